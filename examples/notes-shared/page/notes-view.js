// The notes on the page: an ordinary app that knows nothing of seals.
import { formatLength } from './bytes.js';
import { h } from './dom.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

export class NotesView {
  #api;
  #items = new Map();
  #list = document.querySelector('#notes');
  #form = document.querySelector('#new-note');
  #text = document.querySelector('#text');
  #problem = document.querySelector('#problem');
  #live = document.querySelector('#live');

  /** @param {ReturnType<import('./api.js').createApi>} api */
  constructor(api) {
    this.#api = api;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#add();
    });
    this.#text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
  }

  /** Replaces what is shown; `notes` are the newest first. */
  showAll(notes) {
    this.#items.clear();
    this.#list.replaceChildren();
    for (const note of notes.toReversed()) this.#show(note);
  }

  showChange({ type, note }) {
    if (type === 'deleted') this.#hide(note.id);
    else this.#show(note);
  }

  showLive(state) {
    this.#live.textContent = state;
    this.#live.classList.toggle('on', state === 'live');
  }

  showProblem(message) {
    this.#problem.textContent = message;
    this.#problem.hidden = message === '';
  }

  async #add() {
    const text = this.#text.value;
    if (text.trim() === '') return;
    // At once, so that a second Enter does not add it twice.
    this.#text.value = '';
    const added = await this.#try(async () => this.#show(await this.#api.create(text)));
    if (!added) this.#text.value ||= text;
  }

  /** A change comes twice, by its answer and by the feed: the second changes nothing. */
  #show(note) {
    const item = this.#item(note);
    const shown = this.#items.get(note.id);
    if (shown?.isEqualNode(item)) return;
    const focused = shown?.contains(document.activeElement);
    if (shown === undefined) this.#list.prepend(item);
    else shown.replaceWith(item);
    this.#items.set(note.id, item);
    // What changes a note is attaching a file: who did that goes on there.
    if (focused) item.querySelector('.file-input').focus();
  }

  #hide(id) {
    const item = this.#items.get(id);
    if (item === undefined) return;
    // Who works with the keyboard goes on at the next note.
    const next = (item.nextElementSibling ?? item.previousElementSibling)?.querySelector('.delete');
    if (item.contains(document.activeElement)) (next ?? this.#text).focus();
    item.remove();
    this.#items.delete(id);
  }

  #item(note) {
    const words = note.text.slice(0, 40);
    const created = new Date(note.created);
    const input = h('input', {
      type: 'file',
      className: 'file-input',
      'aria-label': `Attach a file to: ${words}`,
    });
    input.addEventListener('change', () => this.#attach(note, input));
    return h(
      'li',
      { className: 'note' },
      h('p', { className: 'note-text', dir: 'auto', textContent: note.text }),
      h(
        'ul',
        { className: 'files', hidden: note.files.length === 0 },
        ...note.files.map((file) => this.#file(note, file)),
      ),
      h(
        'div',
        { className: 'note-end' },
        h('time', { dateTime: note.created, textContent: time.format(created) }),
        h('label', { className: 'quiet' }, 'Attach a file', input),
        h('button', {
          type: 'button',
          className: 'quiet delete',
          textContent: 'Delete',
          'aria-label': `Delete: ${words}`,
          onclick: () => this.#remove(note),
        }),
      ),
    );
  }

  #file(note, file) {
    const button = h('button', {
      type: 'button',
      className: 'file',
      title: 'Download',
      onclick: () => this.#download(note, file),
    });
    button.append(
      h('span', { textContent: file.name }),
      h('small', { textContent: formatLength(file.size) }),
    );
    return h('li', {}, button);
  }

  async #remove(note) {
    await this.#try(async () => {
      await this.#api.remove(note.id);
      this.#hide(note.id);
    });
  }

  async #attach(note, input) {
    const [file] = input.files;
    if (file === undefined) return;
    const words = input.labels[0].firstChild;
    const idle = words.data;
    words.data = 'Attaching …';
    // The changed note itself comes by the feed.
    await this.#try(() => this.#api.attach(note.id, file));
    words.data = idle;
    input.value = '';
  }

  async #download(note, file) {
    await this.#try(async () => {
      const url = URL.createObjectURL(await this.#api.download(note.id, file.id));
      h('a', { href: url, download: file.name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  }

  /** @returns {Promise<boolean>} whether it worked; if not, the page says why */
  async #try(action) {
    this.showProblem('');
    try {
      await action();
      return true;
    } catch (error) {
      this.showProblem(error.message);
      return false;
    }
  }
}
