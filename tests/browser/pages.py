"""Opens pages of the doctor in a real browser, and holds them to what a reader sees.

pages.py DOCTOR CHROMIUM DIRECTORY
"""

import json
import pathlib
import subprocess
import sys

from playwright.sync_api import sync_playwright

DOCTOR, CHROMIUM, SHOTS = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTS = ROOT / "fixtures/hosts"

# Of every text: its colour and what lies behind it, as WCAG counts contrast.
CONTRAST = """() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] > 0) { return color.slice(0, 3); }
    }
    return [255, 255, 255];
  };
  let worst = [99, ""];
  for (const node of document.querySelectorAll("main *")) {
    if (![...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) { continue; }
    const [a, b] = [light(rgb(getComputedStyle(node).color).slice(0, 3)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) { worst = [ratio, node.outerHTML.slice(0, 80)]; }
  }
  return worst;
}"""

WIDER = """() => [...document.querySelectorAll("main *")]
  .filter((n) => n.getBoundingClientRect().right > innerWidth + 1).map((n) => n.outerHTML.slice(0, 80))"""

failures = []


def expect(name, what, right):
    if not right:
        failures.append(f"{name}: {what}")
        print(f"WRONG  {name}: {what}", file=sys.stderr)


def doctor(*arguments):
    return subprocess.run([DOCTOR, *arguments], check=False, capture_output=True, text=True).stdout


def many(report):
    """The report of a machine on which 80 checks find something."""
    report = json.loads(json.dumps(report))
    findings = [check for check in report["checks"] if check["findings"] and check["severity"]]
    report["checks"] = [
        {**findings[n % len(findings)], "id": f"{findings[n % len(findings)]['id']}-{n}"} for n in range(80)
    ]
    return report


def pages():
    pod = str(HOSTS / "bookworm-v1-pod/bundle")
    yield "pod", doctor("report", "--format", "html", "--from", pod)
    plain = str(HOSTS / "docker20-unprivileged/bundle")
    yield "container", doctor("report", "--format", "html", "--from", plain)
    yield "healthy", doctor("report", "--format", "html", "--from", str(HOSTS / "bookworm-dind-healthy/bundle"), "--for", "dockerd")
    yield "unknown", doctor("report", "--format", "html", "--from", str(HOSTS / "no-proc/bundle"))
    yield "hostile", (ROOT / "tests/snapshots/report.html").read_text()
    saved = SHOTS / "many.json"
    saved.write_text(json.dumps(many(json.loads(doctor("--format", "json", "--from", plain, "--for", "dockerd,kind,rootless,buildkit,systemd")))))
    yield "many", doctor("report", "--format", "html", "--from", str(saved))


def visit(browser, name, file, **kind):
    """A page in a browser of this kind, and everything that went wrong in it."""
    context = browser.new_context(**kind)
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    expect(name, f"it is quiet: {wrong[:3]}", not wrong)
    return page, wrong


def look(browser, name, file):
    for scheme, width in [("light", 1000), ("dark", 1000), ("light", 380)]:
        of = f"{name}-{scheme}-{width}"
        page, wrong = visit(browser, of, file, color_scheme=scheme, viewport={"width": width, "height": 900})
        expect(of, "something is wider than the window", not page.evaluate(WIDER))
        page.screenshot(path=SHOTS / f"{of}.png", full_page=name != "many")
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        expect(of, "something is wider than the window when all is open", not page.evaluate(WIDER))
        ratio, where = page.evaluate(CONTRAST)
        expect(of, f"contrast {ratio:.1f} of {where}", ratio >= 4.5)
        expect(of, f"it stays quiet: {wrong}", not wrong)
        page.context.close()


def use(browser, name, file):
    """What the script does, and that nothing needs it."""
    page, _ = visit(browser, name, file)
    pastes, buttons = page.locator(".paste").count(), page.locator(".paste button").count()
    expect(name, f"a button for each of {pastes} to paste: {buttons}", pastes == buttons)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    if pastes:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator(".paste button").first.click()
        page.wait_for_function("document.querySelector('.paste button').textContent !== 'Copy'")
        copied, wanted = page.evaluate("navigator.clipboard.readText()"), page.locator(".paste code").first.text_content()
        expect(name, f"the clipboard has {copied!r}", copied == wanted)
    finding = page.locator("details.finding").last
    if finding.count():
        there = finding.get_attribute("id")
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = false; })")
        page.evaluate("(id) => { location.hash = encodeURIComponent(id); }", there)
        page.wait_for_timeout(200)
        expect(name, f"a link opens {there}", finding.get_attribute("open") is not None)
    expect(name, "no element but ours", not page.locator("img, iframe, object, form, svg").count())
    page.context.close()

    page, _ = visit(browser, f"{name}-without-script", file, java_script_enabled=False)
    expect(name, "no button without a script", not page.locator("button").count())
    summaries = page.locator("details.finding > summary")
    if summaries.count():
        summaries.last.click()
        page.locator("details.finding > p").last.wait_for(state="visible", timeout=2000)
    page.emulate_media(media="print")
    page.pdf(path=SHOTS / f"{name}.pdf", format="A4", print_background=False)
    page.context.close()
    text = subprocess.run(["pdftotext", SHOTS / f"{name}.pdf", "-"], check=False, capture_output=True, text=True)
    printed = "".join(text.stdout.split())
    hidden = [id for id in ids(file) if "".join(id.split()) not in printed]
    expect(name, f"on paper these are missing: {hidden}", not hidden)
    closed = "".join(first_closed_evidence(file).split())
    expect(name, "what is folded is on paper too", closed[:16] in printed)
    subprocess.run(["pdftoppm", "-r", "60", "-png", "-l", "2", SHOTS / f"{name}.pdf", SHOTS / f"{name}-print"], check=True)


def tree(file):
    import xml.etree.ElementTree as xml

    return xml.fromstring(file.read_text().removeprefix("<!DOCTYPE html>"))


def ids(file):
    return [node.get("id") for node in tree(file).iter("details") if node.get("id")]


def first_closed_evidence(file):
    """A text that only a closed finding has."""
    for node in tree(file).iter("details"):
        if node.get("id") and node.get("open") is None:
            return next((dt.text for dt in node.iter("dt") if dt.text.isascii()), "")
    return ""


def site(browser):
    """The site of documentation: every page is quiet, some are looked at, and the menu leads on."""
    root = ROOT / "target/site"
    for scheme, width in [("light", 1200), ("dark", 380)]:
        for name in ["index.html", "docs/checks.html", "checks/cgroup2-internal-process.html", "docs/pipelines.html",
                     "fixtures/outcomes/index.html", "docs/commands.html"]:
            of = f"site-{name.replace('/', '-').removesuffix('.html')}-{scheme}"
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
            page = context.new_page()
            wrong = []
            page.on("console", lambda message: wrong.append(message.text))
            page.on("requestfailed", lambda request: wrong.append(request.url))
            page.goto((root / name).as_uri())
            expect(of, f"it is quiet: {wrong[:3]}", not wrong)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            expect(of, f"the page is {wide} pixels wider than the window", wide <= 0)
            ratio, where = page.evaluate(CONTRAST)
            expect(of, f"contrast {ratio:.1f} of {where}", ratio >= 4.5)
            page.screenshot(path=SHOTS / f"{of}.png")
            context.close()
    page = browser.new_page()
    page.goto((root / "index.html").as_uri())
    page.get_by_role("link", name="What it checks").first.click()
    page.get_by_role("link", name="swap-on").last.click()
    expect("site", f"a check is two steps away: {page.url}", page.url.endswith("checks/swap-on.html"))
    page.close()


with sync_playwright() as playwright:
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    for name, html in pages():
        expect(name, "there is a page", html.startswith("<!DOCTYPE html>"))
        file = SHOTS / f"{name}.html"
        file.write_text(html)
        look(chromium, name, file)
        use(chromium, name, file)
        print(f"{name}: {len(html)} bytes, {len(ids(file))} entries")
    if (ROOT / "target/site").is_dir():
        site(chromium)
    chromium.close()
print(f"{len(failures)} wrong; what was seen is in {SHOTS}")
sys.exit(1 if failures else 0)
