// One note as an element of the list.
import { formatLength } from './bytes.js';
import { h } from './dom.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/**
 * @param note as the server has it
 * @param {HTMLElement[]} uploads rows of what is on its way to it
 * @param {{ attach(file: File): void, download(file: object): void, remove(): void }} actions
 */
export function noteItem(note, uploads, { attach, download, remove }) {
  const words = note.text.slice(0, 40);
  const input = h('input', {
    type: 'file',
    className: 'file-input',
    'aria-label': `Attach a file to: ${words}`,
  });
  input.addEventListener('change', () => {
    const [file] = input.files;
    input.value = '';
    if (file !== undefined) attach(file);
  });
  return h(
    'li',
    { className: 'note' },
    h('p', { className: 'note-text', dir: 'auto', textContent: note.text }),
    h('ul', { className: 'files' }, ...note.files.map((file) => fileItem(file, download)), ...uploads),
    h(
      'div',
      { className: 'note-end' },
      h(
        'p',
        {},
        h('time', { dateTime: note.created, textContent: time.format(new Date(note.created)) }),
        note.bound ? ', this browser only' : '',
      ),
      h('label', { className: 'quiet' }, 'Attach a file', input),
      h('button', {
        type: 'button',
        className: 'quiet delete',
        textContent: 'Delete',
        'aria-label': `Delete: ${words}`,
        onclick: remove,
      }),
    ),
  );
}

function fileItem(file, download) {
  const button = h('button', {
    type: 'button',
    className: 'file',
    title: 'Download',
    onclick: () => download(file),
  });
  button.append(
    h('span', { className: 'file-name', textContent: file.name }),
    h('small', { className: 'file-size', textContent: formatLength(file.size) }),
  );
  return h('li', {}, button);
}
