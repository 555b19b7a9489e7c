"""Links of the documentation lead to files and headings."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.documents import DOCUMENTS, anchors, links


def test_links_lead_to_files_and_headings() -> None:
    for path in DOCUMENTS:
        for link in links(path):
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme == "https", (path, link)
                continue
            target = (path.parent / parts.path).resolve() if parts.path else path
            assert target.exists(), (path, link)
            assert not parts.fragment or parts.fragment in anchors(target), (path, link)
