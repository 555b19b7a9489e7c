"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const ROWS = 15, FEW = 10;
const PROVIDERS = { research: "Research API", rapidapi: "RapidAPI" };
const KINDS = ["followed", "followed again", "listed again", "no longer listed"];
const COLORS = { read: "--green", interrupted: "--blue", private: "--amber", hidden: "--amber", not_found: "--red", unavailable: "--violet", failed: "--red", invalid: "--red", "never scanned": "--soft" };
const OUTCOMES = { interrupted: "unfinished", not_found: "not found" };
const members = new Map(data.usernames.rows.map((row) => [row[0], row]));
const state = { period: 0, kind: "", search: "", sort: "latest", down: true, rows: ROWS };

// Building elements: text is only ever set as text.

function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const byId = (id) => document.getElementById(id);
const fill = (id, ...children) => byId(id).replaceChildren(...children.flat().filter(Boolean));
const count = (number) => number.toLocaleString("en");
const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
const outcome = (name) => OUTCOMES[name] || name;

const end = new Date(data.as_of * 1000);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");
function day(seconds) {
  const time = new Date(seconds * 1000), year = time.getUTCFullYear();
  return `${time.getUTCDate()} ${MONTHS[time.getUTCMonth()]}${year === end.getUTCFullYear() ? "" : ` ${year}`}`;
}
function moment(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const time = new Date(seconds * 1000);
  return `${day(seconds)}, ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
}
const minute = (seconds) => (seconds ? moment(seconds).slice(0, -3) : "never");
const iso = (seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString().replace(".000Z", "Z"));

function name(username, also) {
  const shown = members.has(username)
    ? el("button", { class: "name", type: "button", title: "Show this username", onclick: () => choose(username, true) }, el("bdi", {}, username))
    : el("bdi", { class: "name" }, username || "unknown");
  return also ? [shown, " ", el("bdi", { class: "also" }, also)] : shown;
}
const tag = (kind) => el("span", { class: `tag ${kind.replaceAll(" ", "-")}` }, kind);

// A table that shows its first rows, and more on demand.

function table(id, columns, rows, { first = FEW, all = rows.length, note = null, empty = "", stack = false } = {}) {
  if (!rows.length) return fill(id, el("p", { class: "note" }, empty));
  let shown = first;
  const body = el("tbody");
  const more = el("button", { class: "more", type: "button", onclick: () => { shown += 5 * first; draw(); } });
  const rest = el("p", { class: "note more" });
  function draw() {
    body.replaceChildren(...rows.slice(0, shown).map((row) =>
      el("tr", {}, columns.map(([, cell, kind, label]) => el("td", { class: kind, "data-label": label }, cell(row))))));
    more.hidden = shown >= rows.length;
    more.textContent = `Show more (${count(rows.length - shown)} left)`;
    rest.hidden = !more.hidden || rows.length >= all;
    rest.textContent = `${count(rows.length)} of ${count(all)} are on this page.`;
  }
  draw();
  const head = el("tr", {}, columns.map(([title, , kind]) => el("th", { class: kind, scope: "col" }, title)));
  fill(id, note, el("table", { class: stack ? "stack" : null }, el("thead", {}, head), body), more, rest);
}

// The period

function drawPeriod() {
  const period = data.periods[state.period];
  fill("periods", data.periods.map(({ name }, place) =>
    el("button", { type: "button", "aria-pressed": place === state.period, onclick: () => { state.period = place; state.rows = ROWS; drawPeriod(); } }, name)));
  fill("sentence", period.sentence.split(/(\d[\d,]*(?= new| no longer| listed again| of |,? could| last| not| follow)| \d[\d,]*(?= list))/).map((part, place) =>
    place % 2 ? el("strong", {}, part) : document.createTextNode(part)));
  const kinds = (...names) => names.reduce((sum, name) => sum + (period.kinds[name] || 0), 0);
  const tiles = [
    ["new follows", count(kinds("followed", "followed again"))],
    ["no longer listed", count(kinds("no longer listed"))],
    ["listed again", count(kinds("listed again"))],
    ["lists read", count(period.read), ` of ${count(data.lists.all)}`],
    ["follows listed", count(data.follows)],
    ["accounts followed", count(data.accounts)],
  ];
  fill("tiles", tiles.map(([label, number, of]) => el("div", {}, el("dt", {}, label), el("dd", {}, number, of ? el("small", {}, of) : null))));
  drawKinds();
  drawChanges();
  drawSeveral(period.several);
  drawMost();
}

// What changed

for (const row of data.changes) row.push([row[0], row[1], row[3], row[4]].join("\n").toLowerCase());
const ORDER = {
  who: (row) => row[0], kind: (row) => row[2], whom: (row) => row[3] || "", earliest: (row) => row[5], latest: (row) => row[6],
};
function matching() {
  const since = data.periods[state.period].since, search = state.search;
  return data.changes.filter((row) => row[6] > since && (!state.kind || row[2] === state.kind) && row[7].includes(search));
}
function drawKinds() {
  const { kinds } = data.periods[state.period];
  const all = Object.values(kinds).reduce((sum, number) => sum + number, 0);
  if (state.kind && !kinds[state.kind]) state.kind = "";
  const choices = [["", "all", all], ...KINDS.filter((kind) => kinds[kind]).map((kind) => [kind, kind, kinds[kind]])];
  fill("kinds", choices.map(([kind, label, number]) =>
    el("button", { type: "button", "aria-pressed": state.kind === kind, onclick: () => { state.kind = kind; state.rows = ROWS; drawKinds(); drawChanges(); } }, label, " ", el("span", {}, count(number)))));
}
function drawChanges() {
  const period = data.periods[state.period];
  const all = Object.values(period.kinds).reduce((sum, number) => sum + number, 0);
  byId("changes").classList.toggle("empty", !all);
  if (!all) {
    const none = data.periods[0].name === "last run" ? "Nothing changed in this period." : "No change is known yet: the first scan of a list is the baseline, and the next one shows what changed.";
    return fill("changes-table", el("p", { class: "note" }, none));
  }
  const key = ORDER[state.sort], sign = state.down ? -1 : 1;
  const rows = matching();
  if (state.sort !== "latest" || !state.down) {
    rows.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
  }
  const header = (title, column, kind) => {
    const here = state.sort === column;
    const sort = () => { state.down = here ? !state.down : column === "latest" || column === "earliest"; state.sort = column; drawChanges(); };
    return el("th", { scope: "col", class: kind, "aria-sort": here ? (state.down ? "descending" : "ascending") : null },
      el("button", { type: "button", onclick: sort }, title, here ? (state.down ? " ↓" : " ↑") : ""));
  };
  const head = el("tr", {}, header("Who", "who"), header("What", "kind"), header("Whom", "whom"), header("Not before (UTC)", "earliest"), header("Not after (UTC)", "latest"));
  const body = rows.slice(0, state.rows).map((row) => el("tr", {},
    el("td", {}, name(row[0], row[1])), el("td", {}, tag(row[2])), el("td", {}, name(row[3], row[4])),
    el("td", { class: "time", "data-label": "between" }, moment(row[5])), el("td", { class: "time", "data-label": "and" }, moment(row[6]))));
  const left = rows.length - state.rows;
  const embedded = data.changes.filter((row) => row[6] > period.since).length;
  fill("changes-table",
    el("table", { class: "stack" }, el("thead", {}, head), el("tbody", {}, body)),
    rows.length ? null : el("p", { class: "note more" }, "No change matches."),
    left > 0 ? el("button", { class: "more", type: "button", onclick: () => { state.rows += 5 * ROWS; drawChanges(); } }, `Show more (${count(left)} left)`) : null,
    embedded < all ? el("p", { class: "note more" }, `The newest ${count(embedded)} of ${count(all)} changes are on this page; all are in the table `, el("code", {}, "follow_changes"), ".") : null);
}
function download() {
  const cell = (value) => {
    const text = String(value === null ? "" : value).replace(/^[=+\-@\t\r]/, "'$&");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [["follower_username", "follower_display_name", "kind", "username", "display_name", "happened_at_earliest", "happened_at_latest"],
    ...matching().map((row) => [...row.slice(0, 5), iso(row[5]), iso(row[6])])];
  const file = new Blob(["\ufeff", lines.map((line) => line.map(cell).join(",")).join("\r\n"), "\r\n"], { type: "text/csv" });
  const link = el("a", { href: URL.createObjectURL(file), download: "follow_changes.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
byId("search").addEventListener("input", ({ target }) => { state.search = target.value.trim().toLowerCase(); state.rows = ROWS; drawChanges(); });
byId("download").addEventListener("click", download);
if (!data.changes.length) for (const id of ["search", "kinds", "download"]) byId(id).hidden = true;

// What could not be read

function drawUnread() {
  const outcomes = Object.entries(data.lists.outcomes).sort(([a], [b]) => (b === "read") - (a === "read"));
  const all = data.lists.all, unread = all - data.lists.read;
  const color = ([name]) => `var(${COLORS[name] || "--soft"})`;
  const bar = el("div", { class: "share", "aria-hidden": "true" }, outcomes.map((entry) => {
    const part = el("div");
    part.style.background = color(entry);
    part.style.flexGrow = entry[1] / all;
    return part;
  }));
  const keys = el("ul", { class: "keys" }, outcomes.map((entry) => {
    const dot = el("span", { class: "dot" });
    dot.style.background = color(entry);
    return el("li", {}, dot, `${count(entry[1])} ${outcome(entry[0])}`);
  }));
  fill("outcomes", bar, keys);
  table("unread-table", [
    ["Username", (row) => name(row[0])],
    ["Outcome", (row) => [outcome(row[1]), row[2] ? el("bdi", { class: "reason" }, row[2]) : null]],
    ["Last read (UTC)", (row) => minute(row[3]), "time", "last read"],
  ], data.lists.unread, { all: unread, stack: true, empty: "Every list could be read." });
  const full = data.full_scans, lost = data.lost;
  const lists = (number) => (number === 1 ? "1 list" : `${count(number)} lists`);
  const days = data.settings.full_scan_after_days, late = full.never + full.earlier;
  const words = [];
  if (Object.keys(data.settings).length && days === undefined) words.push("The setting full_scan_after_days is not set, so unfollows are not looked for.");
  if (days === 0) words.push("Every scan is a full scan.");
  if (days) words.push(`A full scan of each list is due every ${days === 1 ? "day" : `${days} days`}.`);
  if (full.never) words.push(`${lists(full.never)} had no full scan yet: unfollows are not looked for there.`);
  if (full.earlier) words.push(`${lists(full.earlier)} had none since ${day(full.since)}: later unfollows are not known.`);
  if (!full.lists) words.push("No list was read yet.");
  if (!late && full.lists) words.push("Every list that was read had a full scan lately.");
  fill("unfollows", el("h3", {}, "Unfollows that are not known yet"), el("div", { id: "lost" }), el("div", { id: "late" }));
  byId("lost").append(el("p", {}, lost.lists
    ? `${lists(lost.lists)} lost ${plural(lost.accounts, "account")} or more. Their next full scan names them.`
    : "No list is known to have lost accounts that a full scan has not named."));
  if (lost.rows.length) {
    byId("lost").append(el("div", { id: "lost-table" }));
    table("lost-table", [
      ["Username", (row) => name(row[0])],
      ["Accounts lost", (row) => count(row[1]), "number"],
      ["Last full scan (UTC)", (row) => minute(row[2]), "time number"],
    ], lost.rows, { first: 5, all: lost.lists });
  }
  byId("late").append(el("p", { class: "more" }, words.join(" ")));
  if (full.rows.length) {
    byId("late").append(el("div", { id: "late-table" }));
    table("late-table", [
      ["Username", (row) => name(row[0])],
      ["Last full scan (UTC)", (row) => minute(row[1]), "time number"],
    ], full.rows, { first: 5, all: late });
  }
}

// Who is followed

function drawSeveral({ accounts, rows }) {
  byId("several").parentElement.classList.toggle("single", !rows.length);
  const note = rows.length ? el("p", { class: "note" }, `${plural(accounts, "account")} newly followed by two or more of your usernames in this period.`) : null;
  table("several-table", [
    ["Account", (row) => name(row[0])],
    ["By", (row) => count(row[1]), "number"],
    ["Followers", (row) => [...row[2].flatMap((who, place) => [place ? ", " : "", name(who)].flat()), row[1] > row[2].length ? ` and ${count(row[1] - row[2].length)} more` : ""], "wide"],
  ], rows, { all: accounts, note, empty: "No account was newly followed by two or more of your usernames in this period." });
}
function drawMost() {
  const top = data.most_followed.length ? data.most_followed[0][1] : 1;
  const mark = el("span", { class: "dot" });
  mark.style.background = "var(--blue)";
  const note = el("p", { class: "note" }, "Followers among your usernames, and the gain in this period. ", mark, "on your list");
  table("most-table", [
    ["Account", (row) => name(row[0])],
    ["", (row) => { const bar = el("span", { class: row[2] ? "bar member" : "bar" }); bar.style.width = `${(100 * row[1]) / top}%`; return bar; }, "wide"],
    ["Followers", (row) => count(row[1]), "number"],
    ["Gain", (row) => { const gain = row[3][state.period]; return gain ? el("span", { class: gain > 0 ? "up" : "down" }, `${gain > 0 ? "+" : "−"}${count(Math.abs(gain))}`) : "–"; }, "number"],
  ], data.most_followed, { note, all: data.accounts, empty: "No follow is listed yet." });
}

// Growth

function ticks(top) {
  const raw = top / 4, power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= raw && Number.isInteger(n)) || 1;
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, n) => n * step);
}
function months(start, stop, most) {
  const DAY = 86400, days = (stop - start) / DAY;
  if (days < 62) {
    const step = Math.max(1, Math.ceil(days / most)) * DAY, marks = [];
    for (let at = Math.ceil(start / DAY) * DAY; at <= stop; at += step) marks.push([at, day(at)]);
    return marks;
  }
  const every = [1, 2, 3, 6, 12, 24, 60].find((n) => days / 30.4 / n <= most) || 120, marks = [];
  const first = new Date(start * 1000);
  for (let month = 0; ; month += 1) {
    const at = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month + 1, 1) / 1000;
    if (at > stop) return marks;
    const time = new Date(at * 1000), number = time.getUTCFullYear() * 12 + time.getUTCMonth();
    if (number % every === 0) marks.push([at, every < 12 ? `${MONTHS[time.getUTCMonth()]} ${time.getUTCFullYear()}` : String(time.getUTCFullYear())]);
  }
}
function drawBand(box, times, least, most, height) {
  const width = Math.max(240, box.clientWidth), left = 10 + 7.2 * count(Math.max(...most, 1)).length, right = 12, bottom = 24, above = 22;
  const start = times[0], stop = times[times.length - 1], top = Math.max(...most, 1);
  const x = (time) => left + ((time - start) / Math.max(1, stop - start)) * (width - left - right);
  const y = (number) => height - bottom - (number / top) * (height - bottom - above);
  const line = (numbers) => numbers.map((number, place) => `${x(times[place]).toFixed(1)},${y(number).toFixed(1)}`);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `Between ${count(least[least.length - 1])} and ${count(most[most.length - 1])} follows at the end` });
  for (const number of ticks(top)) {
    const label = svg("text", { x: left - 6, y: y(number) + 4, "text-anchor": "end" });
    label.textContent = count(number);
    drawing.append(svg("line", { x1: left, x2: width - right, y1: y(number), y2: y(number), class: number ? "grid" : "axis" }), label);
  }
  const unit = svg("text", { x: 0, y: 11 });
  unit.textContent = "follows";
  drawing.append(unit);
  for (const [time, label] of months(start, stop, Math.floor((width - left) / 62))) {
    const at = x(time), text = svg("text", { x: at, y: height - 6, "text-anchor": "middle" });
    if (at > 32 && at < width - 32) text.textContent = label; // one at the edge would be cut or meet the next
    drawing.append(svg("line", { x1: at, x2: at, y1: height - bottom, y2: height - bottom + 4, class: "axis" }), text);
  }
  drawing.append(
    svg("polygon", { class: "area", points: [...line(most), ...line(least).reverse()].join(" ") }),
    svg("polyline", { class: "edge", points: line(most).join(" ") }), svg("polyline", { class: "edge", points: line(least).join(" ") }));
  const cursor = svg("line", { class: "cursor", y1: above, y2: height - bottom, visibility: "hidden" });
  drawing.append(cursor);
  const reading = el("p", { class: "reading" });
  const say = (place) => {
    const words = least[place] === most[place] ? count(most[place]) : `between ${count(least[place])} and ${count(most[place])}`;
    reading.textContent = `${day(times[place])}${times[place] > stop - 1 ? ", last scan" : ""}: ${words} of the follows listed now`;
  };
  say(times.length - 1);
  drawing.addEventListener("pointermove", (event) => {
    const place = Math.max(0, Math.min(times.length - 1, Math.round(((event.offsetX - left) / (width - left - right)) * (times.length - 1))));
    cursor.setAttribute("x1", x(times[place]));
    cursor.setAttribute("x2", x(times[place]));
    cursor.setAttribute("visibility", "visible");
    say(place);
  });
  drawing.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); say(times.length - 1); });
  box.replaceChildren(drawing, reading);
}
const total = (differences) => { let sum = 0; return differences.map((number) => (sum += number)); };

// One username

let chosen = null;
function choose(username, scroll) {
  chosen = username;
  byId("pick").value = "";
  fill("matches");
  drawOne();
  if (scroll) byId("one").scrollIntoView({ block: "center", behavior: "smooth" });
}
function drawOne() {
  const row = members.get(chosen);
  if (!row) return fill("one-user", el("p", { class: "note" }, "No username was scanned yet."));
  const [username, display, changes, scans, least, most] = row;
  const read = scans.map(([provider, number, last, at, lastRead, whole]) => el("p", { class: "note" },
    `${PROVIDERS[provider] || provider}: ${number ? `${plural(number, "scan")}, the last one ${minute(at)} UTC (${outcome(last)}); last read ${minute(lastRead)}; last full scan ${minute(whole)}.` : "never scanned."}`));
  const own = data.changes.filter((change) => change[0] === username);
  fill("one-user", el("h3", {}, el("bdi", {}, username), display ? [" ", el("bdi", { class: "also" }, display)] : null),
    el("div", { class: "columns" },
      el("div", {}, least ? el("div", { id: "one-chart", class: "chart" }) : el("p", { class: "note" }, "No follow of this username is listed.")),
      el("div", {}, read, el("div", { id: "one-changes" }))));
  if (least) drawBand(byId("one-chart"), data.usernames.times, total(least), total(most), 260);
  table("one-changes", [
    ["What", (change) => tag(change[2])],
    ["Whom", (change) => name(change[3])],
    ["Not after (UTC)", (change) => moment(change[6]), "time number"],
  ], own, { stack: true, first: 5, all: changes, empty: changes ? `Its ${plural(changes, "change")} are older than those on this page.` : "No change is known in these periods." });
}
byId("pick").addEventListener("input", ({ target }) => {
  const search = target.value.trim().toLowerCase(), found = [];
  if (search) for (const [username, row] of members) {
    if (username.includes(search) || (row[1] || "").toLowerCase().includes(search)) found.push(username);
    if (found.length === 8) break;
  }
  fill("matches", search && !found.length ? el("p", { class: "note" }, "No username of your list matches.") : found.map((username) => el("button", { type: "button", onclick: () => choose(username) }, el("bdi", {}, username))));
});

// The network: names around a circle, so that none covers another

function drawNetwork() {
  const { pairs, nodes, links, column, groups, usernames } = data.network;
  const kind = (name) => pairs[name] || 0;
  fill("pairs", document.createTextNode(`Of your usernames, ${plural(kind("mutual"), "pair")} follow each other, ${count(kind("one way"))} only one way, and of ${count(kind("unknown"))} it is not known.`));
  byId("network").querySelector(".drawing").hidden = !nodes.length;
  if (!nodes.length) return;
  const values = [...new Set(groups.filter(Boolean))].sort();
  const color = (place) => (column && groups[place] ? `var(--g${values.indexOf(groups[place])})` : column ? "var(--soft)" : "var(--blue)");
  fill("legend", column ? el("ul", { class: "keys" }, el("li", { class: "soft" }, `${column}:`), values.map((value, place) => {
    const dot = el("span", { class: "dot" });
    dot.style.background = `var(--g${place})`;
    return el("li", {}, dot, el("bdi", {}, value));
  })) : "");
  const box = byId("network-chart"), width = Math.max(260, box.clientWidth);
  const size = width < 520 ? 10 : 12, pen = document.createElement("canvas").getContext("2d");
  pen.font = `${size}px ${getComputedStyle(box).fontFamily}`;
  const long = (text) => pen.measureText(text).width;
  const label = Math.min(Math.max(...nodes.map(([name]) => long(name))), width * 0.24) + 12;
  const radius = Math.min(width / 2 - label, 270, 60 + 14 * nodes.length), fits = Math.floor((2 * Math.PI * radius) / (size + 1.5));
  const drawn = order(nodes.length, links, groups).filter((place) => place < fits);
  byId("pairs").append(drawn.length < usernames ? ` The ${count(drawn.length)} with the most of ${count(usernames)} are drawn.` : "", " Point at a name to see its lines, also those of one-way follows.");
  const middle = width / 2, height = 2 * (radius + label);
  const at = new Map(drawn.map((place, nth) => [place, (2 * Math.PI * nth) / drawn.length - Math.PI / 2]));
  const point = (place, r) => [middle + r * Math.cos(at.get(place)), height / 2 + r * Math.sin(at.get(place))].map((n) => n.toFixed(1));
  // The further apart, the nearer to the centre a line passes.
  const bend = (a, b) => {
    const half = (at.get(b) - at.get(a)) / 2, r = radius * Math.cos(half) * Math.abs(Math.cos(half)) * 0.75;
    const angle = at.get(a) + half;
    return [middle + r * Math.cos(angle), height / 2 + r * Math.sin(angle)].map((n) => n.toFixed(1));
  };
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height.toFixed(0)}`, height: height.toFixed(0), role: "group", "aria-label": "Network of mutual follows" });
  const lines = [];
  for (const [a, b, mutual] of links) {
    if (!at.has(a) || !at.has(b)) continue;
    const path = svg("path", { class: mutual ? "link" : "link one-way", d: `M${point(a, radius)} Q${bend(a, b)} ${point(b, radius)}` });
    lines.push([a, b, path]);
    drawing.append(path);
  }
  const marks = new Map();
  const top = Math.max(...nodes.map(([, mutual]) => mutual));
  for (const place of drawn) {
    const [username, mutual] = nodes[place], angle = (at.get(place) * 180) / Math.PI, left = angle > 90 && angle < 270;
    let shown = username;
    for (let letters = [...username]; long(shown) > label - 12; shown = `${letters.join("")}…`) letters.pop();
    const text = svg("text", { x: left ? -9 : 9, dy: ".35em", "text-anchor": left ? "end" : "start", transform: left ? "rotate(180)" : "rotate(0)" });
    text.textContent = shown;
    text.style.fontSize = `${size}px`;
    text.style.unicodeBidi = "isolate";
    const dot = svg("circle", { r: 2.5 + 3 * Math.sqrt(mutual / top) });
    dot.style.fill = color(place);
    const title = svg("title");
    title.textContent = `${username}: ${plural(mutual, "mutual follow")}`;
    const node = svg("g", { class: "node", tabindex: "0", transform: `translate(${point(place, radius)}) rotate(${angle.toFixed(2)})` }, title, dot, text);
    node.addEventListener("pointerenter", () => mark(place));
    node.addEventListener("focus", () => mark(place));
    node.addEventListener("pointerleave", () => mark(null));
    node.addEventListener("blur", () => mark(null));
    node.addEventListener("click", () => mark(place));
    marks.set(place, node);
    drawing.append(node);
  }
  function mark(place) {
    const near = new Set([place]);
    for (const [a, b, path] of lines) {
      const on = a === place || b === place;
      path.classList.toggle("on", on);
      if (on) near.add(a).add(b);
    }
    for (const [other, node] of marks) {
      node.classList.toggle("on", near.has(other));
      node.classList.toggle("self", other === place);
    }
    drawing.classList.toggle("chosen", place !== null);
  }
  box.replaceChildren(drawing);
  const friends = nodes.map(() => []);
  for (const [a, b, mutual] of links) if (mutual) { friends[a].push(b); friends[b].push(a); }
  table("network-table", [
    ["Username", (place) => { const dot = el("span", { class: "dot" }); dot.style.background = color(place); return [column ? dot : null, name(nodes[place][0])]; }],
    ["Mutual follows", (place) => count(nodes[place][1]), "number"],
  ], nodes.map((_, place) => place), { first: width < 520 ? FEW : ROWS, all: usernames });
}
// Neighbours on the circle: the same group first, then those who follow each other.
function order(number, links, groups) {
  const weight = new Map(), key = (a, b) => a * number + b;
  for (const [a, b, mutual] of links) for (const at of [key(a, b), key(b, a)]) weight.set(at, (weight.get(at) || 0) + (mutual ? 4 : 1));
  const left = new Set(Array.from({ length: number }, (_, place) => place)), done = [];
  let last = null;
  while (left.size) {
    let best = null, most = -1;
    for (const place of left) {
      const same = last !== null && groups.length && groups[place] === groups[last] ? 1000 : 0;
      const recent = done.slice(-3).reduce((sum, other, nth) => sum + (nth + 1) * (weight.get(key(place, other)) || 0), 0);
      if (same + recent > most) { most = same + recent; best = place; }
    }
    left.delete(best);
    done.push(best);
    last = best;
  }
  return done;
}

// About

function drawAbout() {
  fill("methods", data.methods.map((text) => el("p", {}, text)));
  fill("settings", Object.entries(data.settings).flatMap(([name, value]) => [el("dt", {}, el("code", {}, name)), el("dd", {}, String(value))]));
  fill("made", `Made with tap-tiktok-following${data.version ? ` ${data.version}` : ""} from what was loaded up to ${moment(data.as_of)} UTC.`);
}

function drawCharts() {
  drawBand(byId("growth-chart"), data.growth.times, data.growth.least, data.growth.most, 260);
  drawOne();
  drawNetwork();
}
chosen = data.changes.length ? data.changes[0][0] : data.usernames.rows.length ? data.usernames.rows.reduce((a, b) => ((b[5] || []).length && total(b[5]).pop() > ((a[5] || []).length ? total(a[5]).pop() : 0) ? b : a))[0] : null;
drawPeriod();
drawUnread();
drawAbout();
drawCharts();
let seen = innerWidth;
addEventListener("resize", () => { if (innerWidth !== seen) { seen = innerWidth; drawCharts(); } });
