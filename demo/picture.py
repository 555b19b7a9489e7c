"""Draw what the warehouse holds: an example of how to use its tables."""

from __future__ import annotations

from math import atan2, degrees
from typing import TYPE_CHECKING

import duckdb
import networkx as nx
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from matplotlib.axes import Axes

FOLLOWS_AMONG_USERNAMES = """
    SELECT DISTINCT follower_username, username
    FROM research_following
    WHERE username IN (SELECT follower_username FROM research_scans)
    ORDER BY ALL
"""

LONGEST_LISTS = """
    WITH follows AS (
        SELECT follower_username, username,
            max(followed_at_earliest) AS earliest, min(followed_at_latest) AS latest
        FROM research_following
        GROUP BY ALL
    )
    SELECT follower_username,
        count(*) - count(earliest) AS older,
        list(earliest ORDER BY earliest) FILTER (earliest IS NOT NULL),
        list(latest ORDER BY latest) FILTER (earliest IS NOT NULL)
    FROM follows
    GROUP BY ALL
    ORDER BY count(*) DESC
    LIMIT 4
"""

BLUE, PALE, RED = "#30638e", "#c9d3dd", "#d1495b"


def draw(warehouse: Path, png: Path) -> None:
    """Draw who follows whom among the usernames, and the longest lists over time.

    Args:
        warehouse: The DuckDB file.
        png: The file to write.
    """
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.sql("USE tiktok")
        edges = connection.sql(FOLLOWS_AMONG_USERNAMES).fetchall()
        lists = connection.sql(LONGEST_LISTS).fetchall()
    figure = Figure(figsize=(16, 9), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[9, 7])[0]
    draw_network(left.subplots(), nx.DiGraph(edges))
    right.suptitle("When: each follow was made within the width of its bar")
    for axes, row in zip(right.subplots(len(lists), sharex=True), lists, strict=True):
        draw_windows(axes, *row)
    figure.savefig(png, dpi=110, bbox_inches="tight")


def draw_network(axes: Axes, graph: nx.DiGraph) -> None:
    """Draw an arrow for each follow; an account with more followers gets a larger dot."""
    places = nx.circular_layout(sorted(graph))
    mutual = [(a, b) for a, b in graph.edges if a < b and graph.has_edge(b, a)]
    one_way = [(a, b) for a, b in graph.edges if not graph.has_edge(b, a)]
    style = {"ax": axes, "connectionstyle": "arc3,rad=0.15", "arrowsize": 8}
    nx.draw_networkx_edges(graph, places, one_way, edge_color=PALE, **style)
    nx.draw_networkx_edges(graph, places, mutual, edge_color=RED, arrowstyle="-", **style)
    sizes = [20 * graph.in_degree(username) for username in places]
    nx.draw_networkx_nodes(graph, places, places, sizes, BLUE, ax=axes)
    for username, (x, y) in places.items():
        write_outwards(axes, username, 1.05 * x, 1.05 * y)
    title = f"Who follows whom: {len(one_way)} one way, {len(mutual)} mutually (red)"
    axes.figure.suptitle(title)
    axes.set_aspect("equal")
    axes.axis("off")


def write_outwards(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a text as a ray from the centre, never upside down."""
    angle, side = degrees(atan2(y, x)), "left"
    if x < 0:
        angle, side = angle + 180, "right"
    axes.text(x, y, text, ha=side, va="center", rotation=angle, rotation_mode="anchor")


def draw_windows(
    axes: Axes, follower: str, older: int, earliest: list[datetime], latest: list[datetime]
) -> None:
    """Draw at height n between which times the list's nth follow was made.

    The first ones, from the last page of the list, have no earliest time.
    """
    ordinals = range(older + 1, older + len(latest) + 1)
    # Its stubs take numbers only; the bars are drawn with times all the same.
    axes.fill_betweenx(ordinals, earliest, latest, step="mid", color=BLUE)  # type: ignore[arg-type]
    axes.axhspan(0, older, color=PALE)
    title = f"{follower}: {older + len(latest):,} follows, {older:,} before the bars (pale)"
    axes.set_title(title, loc="left", fontsize="medium")
