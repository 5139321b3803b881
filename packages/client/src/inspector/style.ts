/** For the shadow root, as a constructed sheet: a policy without `unsafe-inline` has nothing against that. */
export const style = `
:host {
  --line: color-mix(in srgb, currentColor 20%, transparent);
  color-scheme: light dark;
  display: block;
  max-height: 24rem;
  overflow: auto;
  font: 0.8125rem/1.5 ui-monospace, monospace;
  color: CanvasText;
  background: Canvas;
  border: 1px solid var(--line);
}
ol { margin: 0; padding: 0; list-style: none; }
li > button {
  display: grid;
  grid-template-columns: minmax(8ch, 1fr) 7ch 20ch 9ch;
  gap: 1ch;
  width: 100%;
  padding: 0.25rem 0.75rem;
  font: inherit;
  text-align: start;
  color: inherit;
  background: none;
  border: 0;
  border-bottom: 1px solid var(--line);
  cursor: pointer;
}
li > button[aria-expanded='true'] { background: color-mix(in srgb, Highlight 20%, transparent); }
li > button:focus-visible { outline: 2px solid Highlight; outline-offset: -2px; }
.title { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.size, .time { text-align: end; }
.detail { padding: 0.5rem 0.75rem; border-bottom: 1px solid var(--line); }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
section { min-width: 0; }
h3, p { margin: 0; font-size: inherit; }
.line { margin-top: 0.5rem; font-weight: bold; }
.note { color: light-dark(#a40000, #ff9a8a); }
.bytes { opacity: 0.7; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 1ch; margin: 0; }
dt { opacity: 0.7; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 0; max-height: 12rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.empty { padding: 0.5rem 0.75rem; }
`;
