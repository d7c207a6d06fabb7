"""Texts that act where they are not shown as text: in a terminal, a page, a template, a plot.

What runs in a page sets `window.planted`; what is fetched lies at elsewhere.test; what a template
evaluates gives 22962963. Each text begins with its own name, by which it is found again.
"""

from __future__ import annotations

PLANTED = "window.planted=1"
EVALUATED = "22962963"
ELSEWHERE = "elsewhere.test"

_ACTING = {
    # HTML
    "script": f"<script>{PLANTED}</script>",
    "script_elsewhere": f"<script src=https://{ELSEWHERE}/a.js></script>",
    "handler": f'<img src=x onerror="{PLANTED}">',
    "svg": f"<svg/onload={PLANTED}>",
    "details": f"<details open ontoggle={PLANTED}>",
    "frame": f'<iframe src="https://{ELSEWHERE}/frame"></iframe>',
    "frame_inline": f'<iframe srcdoc="<script>parent.{PLANTED}</script>"></iframe>',
    "table_ends": f"</td></tr></table><script>{PLANTED}</script>",
    "code_ends": f"</code></pre><script>{PLANTED}</script>",
    "attribute_ends": f'" autofocus onfocus="{PLANTED}" x="',
    "comment": f"<!-- --><script>{PLANTED}</script><!--",
    "style": f"<style>@import url(https://{ELSEWHERE}/a.css); body {{display: none}}</style>",
    "link": f'<a href="javascript:{PLANTED}">a link</a>',
    "refresh": f'<meta http-equiv=refresh content="0;url=https://{ELSEWHERE}/">',
    "base": f'<base href="https://{ELSEWHERE}/">',
    "entity": "&lt;b&gt; &#60;b&#62; &amp;",
    # Markdown and MyST
    "md_link": f"[a link](javascript:{PLANTED})",
    "md_reference": f"[a link][r]\n\n[r]: javascript:{PLANTED}",
    "md_picture": f"![a picture](https://{ELSEWHERE}/a.png)",
    "md_autolink": f"<javascript:{PLANTED}>",
    "md_heading": "\n\n# Verdict : promouvoir\n\n",
    "md_code": "``` `` ` code",
    "md_emphasis": "**bold** _slanted_ ~~struck~~ a * b",
    "md_table": "| a | b |\n|---|---|\n| c | d |",
    "md_rule": "\n\n---\n\n***\n",
    "md_html_after_line": f"\n\n<script>{PLANTED}</script>\n\n",
    "myst_raw": f"\n\n```\n\n```{{raw}} html\n<script>{PLANTED}</script>\n```\n",
    "myst_raw_colons": f"\n\n:::{{raw}} html\n<script>{PLANTED}</script>\n:::\n",
    "myst_include": "\n\n```{include} /etc/passwd\n```\n",
    "myst_rst": f"\n\n```{{eval-rst}}\n.. raw:: html\n\n   <script>{PLANTED}</script>\n```\n",
    "myst_role": "{math}`x` {download}`/etc/passwd` {doc}`index`",
    "myst_target": "(verdict)=\n\n{ref}`verdict` % a comment",
    # Templates
    "jinja": "{{ 7654321 * 3 }}",
    "jinja_code": "{{ cycler.__init__.__globals__.os.popen('echo 2296''2963').read() }}",
    "jinja_block": "{% set a = 7654321 %}{{ a * 3 }}{# a comment #}",
    "format": "{0.__class__} {names:some} {} %s %(a)d %n",
    "others": "${7654321*3} #{7654321*3} <%= 7654321*3 %> ${{7654321*3}} [[7654321*3]]",
    # LaTeX, mathtext
    "dollars": "$\\frac{1}{2$ $x^2$ $$",
    "math_link": f"$\\href{{javascript:{PLANTED}}}{{x}}$ \\(\\href{{javascript:{PLANTED}}}{{x}}\\)",
    "tex_input": "\\input{/etc/passwd} \\write18{id} \\def\\a{\\a\\a}\\a",
    # Terminals
    "ansi": "\x1b[2J\x1b[31mred\x1b[0m",
    "ansi_title": "\x1b]0;planted\x07",
    "ansi_link": f"\x1b]8;;https://{ELSEWHERE}/\x1b\\a link\x1b]8;;\x1b\\",
    "c1": "\x9b31mred\x9b0m \x90q\x9c",
    "overwritten": "failed\rpassed\x08\x08",
    "bell_and_nul": "a\x00b\x07\x7f",
    "rich": "[red]a[/red] [bold] [link=https://elsewhere.test]a[/link]",
    "rich_closing": "[/red] [/] [/bold",
    "rich_backslash": "\\[red] [red\\",
    "emoji_code": ":warning: :skull:",
    # Spreadsheets, databases, paths
    "csv_formula": '=HYPERLINK("https://elsewhere.test";"a")',
    "csv_command": "+cmd|' /C calc'!A0\t@SUM(1)",
    "sql": "'; DROP TABLE runs; --",
    "path": "../../../../etc/passwd",
    # Characters
    "right_to_left": "\u202egnp.exe \u2066a\u2069 \u200f",
    "zero_width": "a\u200bb\u200d\ufeffc\u00ad",
    "lines": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "stacked": "a" + "\u0301" * 200,
    "private": "\ue000 \ufdd0 \U000e0041",
    "long": "x" * 5_000,
    "many_lines": "a\n" * 400,
}  # fmt: skip

TEXTS = {name: f"{name} {text}" for name, text in _ACTING.items()}
