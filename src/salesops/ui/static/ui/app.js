/* Behaviour of the shell and its components. No inline handlers: everything hangs on data- attributes, so the
   page keeps a script-src 'self' policy. Each part works on markup that is usable without it. */
(() => {
  "use strict";

  const root = document.documentElement;
  const store = {
    get(key) {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        localStorage.setItem(key, value);
      } catch {
        /* storage switched off: the choice lasts for this page */
      }
    },
  };
  const closest = (event, selector) =>
    event.target instanceof Element ? event.target.closest(selector) : null;

  /* Theme */
  const nameTheme = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      const next = root.dataset.theme === "dark" ? "light" : "dark";
      button.setAttribute("aria-label", `Switch to ${next} theme`);
      button.title = `Switch to ${next} theme`;
    }
  };
  const toggleTheme = () => {
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    store.set("salesops-theme", next);
    nameTheme();
  };

  /* Phone menu */
  const openNav = (open) => {
    const sidebar = document.getElementById("sidebar");
    if (!sidebar) return;
    const button = document.querySelector("[data-nav-toggle]");
    root.toggleAttribute("data-nav-open", open);
    for (const part of document.querySelectorAll("[data-behind-nav]")) part.inert = open;
    button?.setAttribute("aria-expanded", String(open));
    if (open) sidebar.querySelector("[data-nav-close]")?.focus();
    else button?.focus();
  };

  /* Messages */
  const toastTime = 7000;
  const armToast = (toast) => {
    if (toast.dataset.armed || toast.classList.contains("toast-error")) return;
    toast.dataset.armed = "1";
    let timer = setTimeout(() => toast.remove(), toastTime);
    const hold = () => clearTimeout(timer);
    const resume = () => {
      timer = setTimeout(() => toast.remove(), toastTime);
    };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("pointerleave", resume);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("focusout", resume);
  };
  const toast = (text, tone = "info") => {
    const list = document.getElementById("toasts");
    const model = document.getElementById("toast-template");
    if (!list || !model) return;
    const item = model.content.firstElementChild.cloneNode(true);
    item.classList.add(`toast-${tone}`);
    item.querySelector("span").textContent = text;
    list.append(item);
    armToast(item);
  };

  /* Chart or table */
  const showView = (button) => {
    const figure = button.closest("[data-views]");
    if (!figure) return;
    const table = figure.querySelector("[data-view='table']");
    const chart = figure.querySelector("[data-view='chart']");
    const toTable = table.hidden;
    table.hidden = !toTable;
    chart.hidden = toTable;
    button.setAttribute("aria-pressed", String(toTable));
  };

  /* Files */
  const size = (bytes) =>
    bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
  const listFiles = (zone) => {
    const input = zone.querySelector("input[type=file]");
    const list = zone.querySelector("[data-files]");
    if (!input || !list) return;
    list.replaceChildren(
      ...Array.from(input.files, (file) => {
        const item = document.createElement("li");
        const name = document.createElement("span");
        const bytes = document.createElement("span");
        name.textContent = file.name;
        bytes.textContent = size(file.size);
        bytes.className = "muted";
        item.append(name, bytes);
        return item;
      }),
    );
    if (input.files.length && zone.hasAttribute("data-submit")) input.form?.requestSubmit();
  };

  /* Copy */
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const text = source ? source.textContent.trim() : button.dataset.copyText || "";
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied.", "success");
    } catch {
      toast("The browser did not allow copying. Select the text and copy it by hand.", "warning");
    }
  };

  const openDialog = (id) => {
    const dialog = document.getElementById(id);
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    if (closest(event, "[data-theme-toggle]")) return toggleTheme();
    const menu = closest(event, "[data-nav-toggle]");
    if (menu) {
      event.preventDefault();
      return openNav(true);
    }
    if (closest(event, "[data-nav-close], .nav-scrim")) {
      event.preventDefault();
      return openNav(false);
    }
    const dismiss = closest(event, "[data-dismiss]");
    if (dismiss) return dismiss.closest(".toast, [data-dismissable]")?.remove();
    const view = closest(event, "[data-view-toggle]");
    if (view) return showView(view);
    const copier = closest(event, "[data-copy], [data-copy-text]");
    if (copier) return copy(copier);
    const opener = closest(event, "[data-dialog-open]");
    if (opener) {
      event.preventDefault();
      return openDialog(opener.dataset.dialogOpen);
    }
    const closer = closest(event, "[data-dialog-close]");
    if (closer) return closer.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement) return event.target.close(); /* the backdrop */
    for (const open of document.querySelectorAll("details.menu[open], details.definition[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  document.addEventListener("change", (event) => {
    const zone = closest(event, ".dropzone");
    if (zone) listFiles(zone);
    if (closest(event, "[data-autosubmit]")) event.target.form?.requestSubmit();
    if (closest(event, "[data-shortcuts-switch]")) store.set("salesops-shortcuts", event.target.checked ? "on" : "off");
  });

  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      const zone = closest(event, ".dropzone");
      if (!zone) return;
      zone.toggleAttribute("data-over", over);
      if (name === "dragover") event.preventDefault();
      if (name === "drop" && event.dataTransfer?.files.length) {
        event.preventDefault();
        const input = zone.querySelector("input[type=file]");
        input.files = event.dataTransfer.files;
        listFiles(zone);
      }
    });
  }

  /* Keyboard: can be switched off in the help dialog, because speech input types single letters. */
  let pending = false;
  const typing = (target) =>
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  const escape = () => {
    if (root.hasAttribute("data-nav-open")) openNav(false);
    for (const open of document.querySelectorAll("details.menu[open], details.definition[open]")) {
      open.open = false;
      if (open.contains(document.activeElement)) open.querySelector("summary").focus();
    }
    for (const tip of document.querySelectorAll(".tip:hover, .tip:focus-within")) {
      tip.setAttribute("data-tip-off", "");
      const back = () => tip.removeAttribute("data-tip-off");
      tip.addEventListener("pointerleave", back, { once: true });
      tip.addEventListener("focusout", back, { once: true });
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return escape();
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return undefined;
    if (store.get("salesops-shortcuts") === "off" || document.querySelector("dialog[open]")) return undefined;
    if (pending) {
      pending = false;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return undefined;
    }
    if (event.key === "g") {
      pending = true;
      setTimeout(() => {
        pending = false;
      }, 1200);
    } else if (event.key === "/") {
      const box = document.querySelector("[data-search]");
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    } else if (event.key === "a") {
      const box = document.querySelector("[data-new-action]");
      if (box) {
        event.preventDefault();
        box.focus();
      }
    } else if (event.key === "?") {
      event.preventDefault();
      openDialog("help");
    }
    return undefined;
  });

  /* htmx: toasts sent by the server (HX-Trigger: {"toast": {"text": …, "tone": …}}), and failures said aloud. */
  document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.tone));
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    toast(
      status === 403 ? "You may not do that." : `The server answered ${status}. Nothing was changed; try again.`,
      "error",
    );
  });
  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached.", "error"));

  const start = () => {
    nameTheme();
    for (const item of document.querySelectorAll(".toast")) armToast(item);
    const box = document.querySelector("[data-shortcuts-switch]");
    if (box) box.checked = store.get("salesops-shortcuts") !== "off";
    /* A link to #sidebar opens the phone menu without scripts; with them the drawer does. */
    if (location.hash === "#sidebar") history.replaceState(null, "", location.pathname + location.search);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
