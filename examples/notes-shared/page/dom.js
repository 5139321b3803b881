/**
 * Makes an element. Texts are set as text, never as markup.
 * @param {string} name
 * @param {Record<string, unknown>} properties of the element (`className`, `textContent`, `onclick` …); names with a
 *   hyphen become attributes
 * @param {(Node | string)[]} children
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-')) element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}
