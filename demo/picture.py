"""Draw what the dbt models know: an example of how to use them."""

from __future__ import annotations

from math import atan2, degrees
from typing import TYPE_CHECKING, Any

import duckdb
import networkx as nx
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from matplotlib.axes import Axes

MOST_FOLLOWED = """
    SELECT edges.username, count(*) AS followers, bool_or(read.username IS NOT NULL) AS is_read
    FROM edges LEFT JOIN (
        SELECT DISTINCT username FROM coverage WHERE last_read IS NOT NULL
    ) AS read USING (username)
    WHERE is_listed
    GROUP BY ALL
    ORDER BY followers DESC, edges.username
    LIMIT 16
"""

AMONG_THE_READ = """
    SELECT follower_username, username
    FROM edges
    WHERE is_listed AND username IN (SELECT username FROM coverage WHERE last_read IS NOT NULL)
    ORDER BY ALL
"""

LONGEST_LIST = """
    SELECT follower_username, followed_at_earliest, followed_at_latest
    FROM edges
    WHERE is_listed AND follower_username = (
        SELECT follower_username FROM edges WHERE is_listed
        GROUP BY ALL ORDER BY count(*) DESC, follower_username LIMIT 1
    )
"""

CHANGES = """
    SELECT follower_username, username, happened_at_earliest, happened_at_latest
    FROM follow_events
    WHERE event = ? AND NOT is_repeat AND happened_at_earliest >= ?
    ORDER BY happened_at_latest - happened_at_earliest, follower_username, username
"""

BLUE, ORANGE, PALE = "#30638e", "#edae49", "#c3ced9"
TITLE: dict[str, Any] = {"loc": "left", "fontweight": "bold", "fontsize": 15}
RED, GREEN, GREY = "#d1495b", "#2a8a5c", "#5c6670"
SHOWN = 7
"""How many changes of a kind the picture tells."""


def draw(warehouse: Path, png: Path, since: datetime) -> None:
    """Draw the most followed, the longest list, the network, and what changed.

    Args:
        warehouse: The DuckDB file.
        png: The file to write.
        since: When the first run started: UTC, without a zone.
    """
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.sql("SET schema = 'main_tiktok_following'")
        ranking = connection.sql(MOST_FOLLOWED).fetchall()
        follows = connection.sql(LONGEST_LIST).fetchall()
        edges = connection.sql(AMONG_THE_READ).fetchall()
        followed, gone = (
            connection.execute(CHANGES, [event, since]).fetchall()
            for event in ("appeared", "disappeared")
        )
    figure = Figure(figsize=(14, 8), layout="constrained")
    [[left, middle, right]] = figure.subfigures(
        1, 3, squeeze=False, width_ratios=[4.3, 6.5, 3.8]
    )
    top, bottom = left.subplots(2, 1, height_ratios=[11, 8])
    draw_ranking(top, ranking)
    draw_growth(bottom, follows)
    draw_network(middle.subplots(), nx.DiGraph(edges))
    write_changes(right.subplots(), followed, gone)
    figure.savefig(png, dpi=110)


def draw_ranking(axes: Axes, ranking: list[Any]) -> None:
    """Draw a bar for each of the most followed accounts."""
    names, followers, read = zip(*reversed(ranking), strict=True)
    axes.barh(names, followers, color=[BLUE if is_read else ORANGE for is_read in read])
    axes.set_title("Most followed", **TITLE)
    axes.set_xlabel("number of followers among the accounts read")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    handles = [Line2D([], [], color=c, lw=8) for c in (ORANGE, BLUE)]
    axes.legend(handles, ["not read yet", "read"], frameon=False, loc="lower right")


def draw_growth(axes: Axes, follows: list[Any]) -> None:
    """Draw between which numbers the length of one list was at every time."""
    certain = sorted(latest for _, _, latest in follows)
    possible = sorted(earliest for _, earliest, _ in follows if earliest)
    older = len(follows) - len(possible)
    times = sorted({*certain, *possible})
    least = [sum(time <= now for time in certain) for now in times]
    most = [older + sum(time <= now for time in possible) for now in times]
    axes.fill_between(times, least, most, step="post", color=BLUE, alpha=0.45, lw=0)
    axes.set_title(f"Follows of {follows[0][0]}", **TITLE)
    axes.set_ylabel("accounts followed")
    axes.set_ylim(0)
    ticks = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(ticks))  # type: ignore[no-untyped-call]
    axes.text(
        0.03, 0.95, "The true curve lies in the band", transform=axes.transAxes, va="top"
    )
    axes.spines[["top", "right"]].set_visible(False)


def draw_network(axes: Axes, graph: nx.DiGraph) -> None:
    """Draw mutual follows over one-way ones; who is followed more gets a larger dot."""
    places = nx.circular_layout(sorted(graph))
    mutual = [(a, b) for a, b in graph.edges if a < b and graph.has_edge(b, a)]
    one_way = [(a, b) for a, b in graph.edges if not graph.has_edge(b, a)]
    style = {"ax": axes, "connectionstyle": "arc3,rad=0.12"}
    nx.draw_networkx_edges(graph, places, one_way, edge_color=PALE, arrowsize=7, **style)
    nx.draw_networkx_edges(
        graph, places, mutual, edge_color=RED, width=2, arrowstyle="-", **style
    )
    sizes = [dot(graph.in_degree(name)) for name in places]
    nx.draw_networkx_nodes(graph, places, places, sizes, BLUE, ax=axes)
    for name, (x, y) in places.items():
        write_outwards(axes, name, 1.06 * x, 1.06 * y)
    axes.set_title(f"Follows among the {len(graph)} accounts read", **TITLE, pad=30)
    explain(axes, len(mutual), len(one_way))
    axes.set_aspect("equal")
    axes.margins(0.2)
    axes.axis("off")


def dot(followers: int) -> float:
    """Return the area of a dot, in square points."""
    return 15 + 22 * followers


def explain(axes: Axes, mutual: int, one_way: int) -> None:
    """Write the legend: the two kinds of lines, and the size of a dot."""
    lines = [
        Line2D([], [], color=RED, lw=2.5, label=f"follow each other ({mutual})"),
        Line2D([], [], color=PALE, lw=2.5, label=f"one follows the other ({one_way})"),
        Line2D([], [], ls="", label="a larger dot is followed by more:"),
    ]
    dots = [
        Line2D(
            [], [], ls="", marker="o", color=BLUE, ms=dot(n) ** 0.5, label=f"by {n} of them"
        )
        for n in (2, 6, 10)
    ]
    axes.legend(
        handles=[*lines, *dots],
        ncols=2,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        frameon=False,
        fontsize=11.5,
    )


def write_outwards(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a text as a ray from the centre, never upside down."""
    angle, side = degrees(atan2(y, x)), "left"
    if x < 0:
        angle, side = angle + 180, "right"
    axes.text(
        x, y, text, ha=side, va="center", rotation=angle, rotation_mode="anchor", fontsize=10
    )


def write_changes(axes: Axes, followed: list[Any], gone: list[Any]) -> None:
    """Write what changed between the two runs, in words."""
    axes.axis("off")
    axes.set_title("Since the first run", **TITLE)
    y = write_list(axes, 0.985, f"{len(followed):,} now followed", GREEN, followed)
    write_list(axes, y - 0.02, f"{len(gone):,} no longer listed", RED, gone)


def write_list(axes: Axes, y: float, title: str, color: str, changes: list[Any]) -> float:
    """Write one kind of change from a height on downwards; return where it ends."""
    write: dict[str, Any] = {"transform": axes.transAxes, "va": "top"}
    axes.text(0, y, title, color=color, fontweight="bold", fontsize=13.5, **write)
    y -= 0.045
    for follower, username, after, before in changes[:SHOWN]:
        axes.text(0, y, f"{follower} → {username}", color=color, fontsize=12, **write)
        times = f"between {after:%H:%M:%S} and {before:%H:%M:%S}"
        axes.text(0.03, y - 0.026, times, color=GREY, fontsize=10.5, **write)
        y -= 0.0585
    if len(changes) > SHOWN:
        axes.text(0, y, f"and {len(changes) - SHOWN:,} more", color=GREY, fontsize=12, **write)
    return y - 0.035
