// Search results quote the text of a page: leave out the half of a formula that is for
// screen readers, which would stand there twice, as symbols and as LaTeX.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const plain = Search.htmlToText;
  const hidden = /<span class="katex-mathml">.*?<\/math><\/span>/gs;
  Search.htmlToText = (page, anchor) => plain(page.replace(hidden, ""), anchor);
});
