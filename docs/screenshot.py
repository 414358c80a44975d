"""Take the picture of `docs/how-to/leaderboard.md`: `python docs/screenshot.py RESULTS…`.

Takes run folders, folders of results, files and globs, like `domainbert leaderboard`. Needs
Chromium (`apt-get install chromium`) and the `dev` extra.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from domainbert.report.leaderboard import make_leaderboard, write_leaderboard

PICTURE = Path(__file__).parent / "how-to" / "leaderboard.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1180


def take(results: list[str], picture: Path) -> None:
    """Make the page from results and save a picture down to the end of the first task."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"no browser found; one of {', '.join(BROWSERS)} is needed")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_leaderboard(*make_leaderboard(results), Path(folder))
        browser = playwright.chromium.launch(executable_path=browser_path)
        page = browser.new_page(viewport={"width": WIDTH, "height": WIDTH}, color_scheme="light")
        page.goto((Path(folder) / "index.html").as_uri())
        end = page.locator("details").first.bounding_box()
        assert end is not None
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": end["y"] + end["height"] + 24}
        page.screenshot(path=picture, clip=clip, full_page=True)
        browser.close()
    print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    take(sys.argv[1:], PICTURE)
