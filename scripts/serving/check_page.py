"""Uses the page of `mae serve` as a person would, in a real browser.

    check_page.py MAE [--model RUN --samples DATA] [--screenshots FOLDER] [--redraws 50]
"""

import argparse
import os
import statistics
import sys

from browser import Browser
from server import Server, model, picture, temporary

arguments = argparse.ArgumentParser()
arguments.add_argument("mae")
arguments.add_argument("--model", action="append")
arguments.add_argument("--samples")
arguments.add_argument("--words", nargs="*", default=[])
arguments.add_argument("--screenshots", default=".build/page")
arguments.add_argument("--redraws", type=int, default=50)
options = arguments.parse_args()
os.makedirs(options.screenshots, exist_ok=True)

checks = 0


def check(what, holds, found=""):
    global checks
    assert holds, f"{what}: {found}"
    checks += 1


with temporary() as folder:
    runs, samples = options.model, options.samples
    if not runs:
        run, samples = model(options.mae, folder)
        runs = [run]
    picture(f"{folder}/photo.png", 3, 500)
    words = [*runs, *(["--samples", samples] if samples else []), *options.words]
    server = Server(options.mae, words)
    try:
        browser = Browser()
    except FileNotFoundError:
        server.end()
        print("note: there is no Chromium, the page is not looked at in a browser")
        sys.exit(0)
    try:
        hidden = "state => [...document.getElementById('status').textContent.matchAll(/\\d+/g)].map(Number)"
        redraws = "performance.getEntriesByName('redraw').length"

        def numbers():
            return browser.run(f"({hidden})()")

        def redrawn(action):
            before = browser.run(redraws)
            action()
            browser.wait(f"{redraws} > {before}")

        browser.open(server.address, 1440)
        browser.wait(f"{redraws} > 0")
        check("a sample is filled in at the start", len(numbers()) >= 3, numbers())

        # A photo dropped from outside.
        redrawn(lambda: browser.drop("#drop", f"{folder}/photo.png"))
        count, patches = numbers()[:2]
        check("the ratio hides its share", abs(count / patches - float(browser.run("document.getElementById('ratio').value"))) < 0.03, numbers())

        # A mask painted with the mouse.
        redrawn(lambda: browser.run("document.getElementById('clear').click(), document.getElementById('draw').click()"))
        browser.run("document.getElementById('clear').click()")
        browser.wait("document.getElementById('status').textContent.startsWith('Nothing is hidden')")
        box = browser.place("#paint")
        rows, columns = browser.run("fetch('v1/models').then(a => a.json()).then(a => [a.models[0].rows, a.models[0].columns])")

        def center(patch):
            return (box["x"] + (patch % columns + 0.5) * box["width"] / columns, box["y"] + (patch // columns + 0.5) * box["height"] / rows)

        times = []
        stroke = [row * columns + (column if row % 2 == 0 else columns - 1 - column) for row in range(rows) for column in range(columns)]
        browser.run("performance.clearMeasures('redraw')")
        browser.mouse("mousePressed", *center(stroke[0]))
        browser.wait(f"{redraws} >= 1")
        for step in range(1, min(options.redraws, patches - 2)):
            redrawn(lambda: browser.mouse("mouseMoved", *center(stroke[step])))
        browser.mouse("mouseReleased", *center(stroke[step]))
        times = browser.run("performance.getEntriesByName('redraw').map(entry => entry.duration)")
        check("each move hides one more patch", numbers()[0] == step + 1, (numbers(), step))
        print(f"redraw after painting, {len(times)} times in the browser's clock: median {statistics.median(times):.0f} ms, "
              f"fastest {min(times):.0f}, slowest {max(times):.0f}")

        # A click on a hidden patch shows it.
        redrawn(lambda: (browser.mouse("mousePressed", *center(stroke[0])), browser.mouse("mouseReleased", *center(stroke[0]))))
        check("a click shows a hidden patch", numbers()[0] == step, numbers())

        # The keyboard does the same.
        browser.run("document.getElementById('paint').focus()")
        before = numbers()[0]
        for _ in range(3):
            browser.key("ArrowDown")
        redrawn(lambda: browser.key(" "))
        changed = numbers()[0]
        check("space hides or shows the patch", abs(changed - before) == 1, (before, changed))

        # Two ratios beside each other.
        redrawn(lambda: browser.run("document.getElementById('draw').click()"))
        redrawn(lambda: browser.run(
            "(() => { const b = document.getElementById('beside'); b.value = 'ratio'; b.dispatchEvent(new Event('change')) })()"))
        check("a second picture stands beside", browser.run("!document.getElementById('lane-b').hidden"))
        check("with its own error", browser.run("document.getElementById('error-b').textContent.length > 20"))
        browser.screenshot(f"{options.screenshots}/1440-compared.png")

        # Attention of a patch.
        browser.run("(() => { const b = document.getElementById('beside'); b.value = ''; b.dispatchEvent(new Event('change')) })()")
        browser.click("#original")
        browser.wait("!document.getElementById('heads-fields').hidden")
        check("attention is told in words", "attends most to row" in browser.run("document.getElementById('status').textContent"))

        for width, height in ((1440, 900), (360, 780)):
            for dark in (False, True):
                browser.open(server.address, width, height, dark, touch=width < 600)
                browser.wait(f"{redraws} > 0")
                browser.wait("document.querySelectorAll('#samples img').length > 0 && [...document.images].every(i => i.complete)")
                browser.run("new Promise(done => setTimeout(done, 300))")
                wide = browser.run("document.documentElement.scrollWidth")
                check(f"nothing is wider than {width}", wide <= width, wide)
                browser.screenshot(f"{options.screenshots}/{width}-{'dark' if dark else 'light'}.png")

        # A finger paints.
        box = browser.place("#paint")
        before = numbers()[0]
        point = {"x": box["x"] + box["width"] * 0.3, "y": box["y"] + box["height"] * 0.3}
        far = {"x": box["x"] + box["width"] * 0.7, "y": box["y"] + box["height"] * 0.3}

        def swipe():
            browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[point])
            browser.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[far])
            browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

        top = browser.run("scrollY")
        redrawn(swipe)
        browser.run("new Promise(done => setTimeout(done, 200))")
        check("a finger paints", numbers()[0] != before, (before, numbers()))
        check("and does not scroll", browser.run("scrollY") == top)

        # What a screen reader is told: every control has a name.
        nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
        controls = {"button", "combobox", "slider", "spinbutton", "checkbox", "radio", "textbox", "application", "link", "image"}
        unnamed = [node["role"]["value"] for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in controls
                   and not node.get("name", {}).get("value")]
        check("every control has a name", not unnamed, unnamed)

        outside = [address for address in browser.requests() if not address.startswith((server.address, "data:", "blob:", "about:"))]
        check("nothing is asked elsewhere", not outside, outside)
        check("no error is reported", not browser.problems(), browser.problems())

        # A file that is no image is refused with a line.
        with open(f"{folder}/text.png", "w") as file:
            file.write("no picture")
        browser.drop("#drop", f"{folder}/text.png")
        browser.wait("document.getElementById('problem').textContent.includes('image: is text')")
        check("what is no image is said", True)
    finally:
        browser.close()
        status = server.end()
    check("the server ends when asked", status == 0, status)

print(f"{checks} passed, 0 failed")
