"""An application with files of many names, and what a request for each of them leads to.

The same table is asked of a node and of `silver serve`, which is to behave as a node does.
"""

from pathlib import Path

FILES = {
    "file.txt": "A file.\n",
    "docs/index.html": "<title>Docs</title>\n",
    "sub/deep/index.html": "<title>Deep</title>\n",
    "with%percent/index.html": "<title>Percent</title>\n",
    "empty/.keep": "",
    ".dot": "",
    ".hidden/f.txt": "",
    "a b.txt": "",
    "a+b.txt": "",
    "a%2Fb.txt": "",
    "a#b.txt": "",
    "a&b.txt": "",
    "a;b.txt": "",
    "back\\slash.txt": "",
    "100%.txt": "",
    "ü.txt": "",
    "what?.txt": "",
    "noext": "",
    ".js": "",
    "archive.tar.gz": "",
    "page.html.bak": "",
    "page.en.html": "",
    "page.html.unknown": "",
    "UPPER.TXT": "",
    "old.txt~": "",
    "code.pyc": "",
    **{f"f.{suffix}": "" for suffix in ("css", "csv", "htm", "ico", "js", "json", "map", "md")},
    **{f"f.{suffix}": "" for suffix in ("mjs", "py", "svg", "wasm", "webp", "woff2", "xhtml")},
}

RUNNER = '''
import os
from pathlib import Path


def application(environ, start_response):
    """Say which path was asked for; for an update, write files that are served."""
    path = environ["PATH_INFO"]
    if environ.get("silverlining.update"):
        root = Path(os.environ["CONFIG_WRITABLE_ROOT"])
        host = os.environ["SILVER_CANONICAL_HOSTNAME"]
        names = ["all.txt", "file.txt", "all/index.html", "other.test/there.txt"]
        for name in (*names, f"{host}/here.txt"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("Written.")
    start_response("200 OK", [("Content-Type", "application/x-path")])
    return [path.encode("latin-1")]
'''

INI = """
[production]
app_name = shelf
runner = src/runner.py
service.writable_root =
update_fetch = /write
"""

CASES = """
GET  /                          app /
GET  /file.txt                  file text/plain
HEAD /file.txt                  file text/plain
GET  /file.txt?version=2        file text/plain
POST /file.txt                  app /file.txt
PUT  /docs                      app /docs
GET  /file.txt/                 app /file.txt/
GET  /file.txt/more             app /file.txt/more
GET  /docs                      moved /docs/
HEAD /docs                      moved /docs/
GET  /docs?x=1&y=%20            moved /docs/?x=1&y=%20
GET  /docs/                     file text/html
GET  /docs/index.html           file text/html
GET  /docs/nothing.html         app /docs/nothing.html
GET  /docs//index.html          file text/html
GET  //file.txt                 file text/plain
GET  ///docs                    moved /docs/
GET  /docs/.                    file text/html
GET  /docs/..                   app /
GET  /.                         app /
GET  /./file.txt                file text/plain
GET  /docs/../file.txt          file text/plain
GET  /docs/%2e%2e/file.txt      file text/plain
GET  /docs/..%2ffile.txt        app /docs/..%2ffile.txt
GET  /docs%2Findex.html         app /docs%2Findex.html
GET  /..                        refused 400
GET  /../app.ini                refused 400
GET  /%2e%2e/app.ini            refused 400
GET  /docs/../../app.ini        refused 400
GET  /docs/..%2f..%2fapp.ini    app /docs/..%2f..%2fapp.ini
GET  /app.ini                   app /app.ini
GET  /static/file.txt           app /static/file.txt
GET  /sub                       app /sub
GET  /sub/                      app /sub/
GET  /sub/deep                  moved /sub/deep/
GET  /empty                     app /empty
GET  /with%25percent            moved /with%25percent/
GET  /with%25percent/           file text/html
GET  /linked                    moved /linked/
GET  /linked/                   file text/html
GET  /linked.txt                file text/plain
GET  /.dot                      file -
GET  /.hidden/f.txt             file text/plain
GET  /old.txt~                  app /old.txt~
GET  /code.pyc                  app /code.pyc
GET  /a%20b.txt                 file text/plain
GET  /a+b.txt                   file text/plain
GET  /a%2Bb.txt                 file text/plain
GET  /a%2Fb.txt                 file text/plain
GET  /a%252Fb.txt               file text/plain
GET  /a%23b.txt                 file text/plain
GET  /a&b.txt                   file text/plain
GET  /a;b.txt                   file text/plain
GET  /back%5Cslash.txt          file text/plain
GET  /100%25.txt                file text/plain
GET  /100%.txt                  refused 400
GET  /%C3%BC.txt                file text/plain
GET  /%66ile.txt                file text/plain
GET  /what%3F.txt               refused 403
GET  /what?.txt                 app /what
GET  /noext                     file -
GET  /.js                       file -
GET  /archive.tar.gz            file application/gzip
GET  /page.html.bak             file application/x-trash
GET  /page.en.html              file text/html
GET  /page.html.unknown         file text/html
GET  /UPPER.TXT                 file text/plain
GET  /f.css                     file text/css
GET  /f.csv                     file text/csv
GET  /f.htm                     file text/html
GET  /f.ico                     file image/vnd.microsoft.icon
GET  /f.js                      file text/javascript
GET  /f.json                    file application/json
GET  /f.map                     file -
GET  /f.md                      file text/markdown
GET  /f.mjs                     file text/javascript
GET  /f.py                      file text/x-python
GET  /f.svg                     file image/svg+xml
GET  /f.wasm                    file application/wasm
GET  /f.webp                    file image/webp
GET  /f.woff2                   file font/woff2
GET  /f.xhtml                   file application/xhtml+xml
GET  /%00                       refused 404
GET  /file.txt%00               refused 404
GET  /%zz                       refused 400
GET  /%                         refused 400
GET  /%ff                       app /\xff
GET  /a%2fb                     app /a%2fb
GET  /a%3Fb                     app /a?b
GET  /x/%2F/y                   app /x/%2F/y
GET  /a/./b/../c//d             app /a/c/d
GET  /a/...                     app /a/...
GET  /all.txt                   file text/plain
GET  /all                       moved /all/
GET  /here.txt                  file text/plain
GET  /there.txt                 app /there.txt
GET  /other.test/there.txt      file text/plain
"""


def cases() -> list[tuple[str, str, str]]:
    """Return method, path and outcome of each request."""
    lines = (line.split(maxsplit=2) for line in CASES.strip().split("\n"))
    return [(method, path, outcome) for method, path, outcome in lines]


def make(directory: Path) -> Path:
    """Write the application, and return its directory."""
    files = {f"static/{name}": text for name, text in FILES.items()}
    for name, text in {"app.ini": INI, "src/runner.py": RUNNER, **files}.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (directory / "static/linked").symlink_to("docs")
    (directory / "static/linked.txt").symlink_to("file.txt")
    return directory


def outcome(status: int, kind: str | None, location: str | None, text: str) -> str:
    """Return what an answer is, as it is in the table.

    Args:
        status: its status.
        kind: its Content-Type.
        location: its Location, without the scheme and the host.
        text: its body, as Latin-1.
    """
    if status == 301:
        return f"moved {location}"
    if status != 200:
        return f"refused {status}"
    return f"app {text}" if kind == "application/x-path" else f"file {kind or '-'}"
