"""Take the README's picture of the page that `make demo` wrote: `make picture`."""

from pathlib import Path

from tests.e2e.page.browser import chromium

PAGE = Path("output/sandbox.html")
PICTURE = Path("docs/page.png")
WIDTH, HEIGHT, SCALE = 940, 1100, 2
"""A README is shown at about this width, so the text can be read there."""


def main() -> None:
    """Write the upper part of the page as a picture."""
    with chromium() as browser:
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE
        )
        page.goto(PAGE.resolve().as_uri())
        page.screenshot(path=PICTURE)
    print(f"The picture is {PICTURE}.")


if __name__ == "__main__":
    main()
