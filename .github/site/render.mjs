// Renders mathematics with KaTeX: a JSON list of [latex, display] comes in on standard
// input, a JSON list of {html} or {error} goes out, in the same order.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const katex = createRequire(import.meta.url)(process.argv[2]);

function render([latex, displayMode]) {
  try {
    const html = katex.renderToString(latex, {
      displayMode,
      output: "htmlAndMathml",
      strict: "ignore",
      throwOnError: true,
    });
    return { html };
  } catch (error) {
    return { error: String(error.message) };
  }
}

const formulas = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(formulas.map(render)));
