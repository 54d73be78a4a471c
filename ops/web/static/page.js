// The page's elements, and the few ways in which they are changed.

export const byId = (id) => document.getElementById(id);

/** Set text only where it differs: screen readers and selections stay undisturbed. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** An element with a class and text. */
export function make(tag, { kind = "", text = "" } = {}) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text) node.textContent = text;
  return node;
}

/** As many children as there are items: missing ones are made, superfluous ones removed. */
export function fit(parent, items, create, update) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(create());
  items.forEach((item, place) => update(parent.children[place], item));
}

/** Announce for screen readers. */
export const speak = (text) => say(byId("spoken"), text);
