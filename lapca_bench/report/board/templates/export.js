"use strict";
// Foreign text in CSV and LaTeX, by the rules of lapca_bench/report/escapes.py; a test compares the two.
const EXPORT = (() => {
  const LATEX = { "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", _: "\\_", "%": "\\%", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "\"": "\\char34{}", "[": "{[}", "*": "{*}", "–": "--", "—": "---", "‘": "`{}", "’": "'{}", "…": "\\dots{}", "±": "$\\pm$", "−": "$-$", "≥": "$\\geq$", "≤": "$\\leq$", "→": "$\\to$", "×": "$\\times$", "\ufffd": "?", "\0": "{}" };
  const IN_T1 = /^[ -~¡-¬®-ĥĨ-ķĹ-ľŁ-ňŊ-ťŨ-ž]$/, LETTER = "\\lapcaletter";
  const number = (char) => char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  const visible = (text) => text.trim().replace(/\s+/g, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "\ufffd");
  const latexText = (text) => [...visible(text).replace(/([-,'`<>])(?=\1)|([!?])(?=`)/g, "$&\0")]
    .map((char) => LATEX[char] ?? (IN_T1.test(char) ? char : `${LETTER}{${char}}{U+${number(char)} }`)).join("");
  const latexTable = (text) => (text.includes(LETTER) ? `\\providecommand{${LETTER}}[2]{\\ifdefined\\Umathchar#1\\else#2\\fi}\n${text}` : text);
  const csvField = (text) => {
    const shown = visible(text), safe = /^[=+\-@＝＋－＠]/.test(shown) ? `'${shown}` : shown;
    return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return { visible, latexText, latexTable, csvField };
})();
