/* Columns move within their list without a round trip; without scripts the same buttons send the form. */
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-column-up], [data-column-down]") : null;
    const item = button?.closest("[data-column-list] > li");
    if (!item) return;
    event.preventDefault();
    if (button.hasAttribute("data-column-up")) item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    button.focus();
  });
})();
