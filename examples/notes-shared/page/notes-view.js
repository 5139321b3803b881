// The notes on the page: an ordinary app that knows nothing of seals.
import { noteItem } from './note-item.js';
import { Upload } from './upload.js';

export class NotesView {
  #api;
  /** What is shown, by id: the note, its element, and the rows of its uploads. */
  #shown = new Map();
  #list = document.querySelector('#notes');
  #form = document.querySelector('#new-note');
  #text = document.querySelector('#text');
  #bound = document.querySelector('#bound');
  #problem = document.querySelector('#problem');
  #live = document.querySelector('#live');

  constructor() {
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

  /** @param {ReturnType<import('./api.js').createApi>} api what it calls from now on */
  use(api) {
    this.#api = api;
    this.showProblem('');
  }

  /** Replaces what is shown; `notes` are the newest first. */
  showAll(notes) {
    const ids = new Set(notes.map(({ id }) => id));
    for (const id of this.#shown.keys()) if (!ids.has(id)) this.#hide(id);
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
    const bound = this.#bound.checked && !this.#bound.disabled;
    const added = await this.#try(async () => this.#show(await this.#api.create(text, bound)));
    if (!added) this.#text.value ||= text;
  }

  /** A change comes twice, by its answer and by the feed: the second changes nothing. */
  #show(note) {
    const before = this.#shown.get(note.id);
    if (before !== undefined && JSON.stringify(before.note) === JSON.stringify(note)) return;
    const uploads = before?.uploads ?? [];
    const focused = before?.item.contains(document.activeElement);
    const item = noteItem(note, uploads, {
      attach: (file) => this.#attach(note.id, file),
      download: (file) => this.#download(note.id, file),
      remove: () => this.#remove(note.id),
    });
    if (before === undefined) this.#list.prepend(item);
    else before.item.replaceWith(item);
    this.#shown.set(note.id, { note, item, uploads });
    // What changes a note is attaching a file: who did that goes on there.
    if (focused) item.querySelector('.file-input').focus();
  }

  #hide(id) {
    const shown = this.#shown.get(id);
    if (shown === undefined) return;
    const { item } = shown;
    // Who works with the keyboard goes on at the next note.
    const next = (item.nextElementSibling ?? item.previousElementSibling)?.querySelector('.delete');
    if (item.contains(document.activeElement)) (next ?? this.#text).focus();
    item.remove();
    this.#shown.delete(id);
  }

  async #remove(id) {
    await this.#try(async () => {
      await this.#api.remove(id);
      this.#hide(id);
    });
  }

  async #attach(id, file) {
    const upload = new Upload(file);
    // While the file was chosen, somebody may have deleted the note: then the server says so.
    const { uploads, item } = this.#shown.get(id) ?? { uploads: [] };
    uploads.push(upload.element);
    item?.querySelector('.files').append(upload.element);
    // The changed note itself comes by the feed.
    await this.#try(
      () => this.#api.attach(id, file, { signal: upload.signal, onUploadProgress: upload.progress }),
      () => upload.cancelled,
    );
    uploads.splice(uploads.indexOf(upload.element), 1);
    const focused = upload.element.contains(document.activeElement);
    upload.element.remove();
    if (focused) this.#shown.get(id)?.item.querySelector('.file-input').focus();
  }

  async #download(id, file) {
    await this.#try(async () => {
      const url = URL.createObjectURL(await this.#api.download(id, file.id));
      const link = document.createElement('a');
      Object.assign(link, { href: url, download: file.name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  }

  /**
   * @param {() => Promise<unknown>} action
   * @param {() => boolean} [wanted] true if its failure was what the user asked for
   * @returns {Promise<boolean>} whether it worked; if not, the page says why
   */
  async #try(action, wanted = () => false) {
    this.showProblem('');
    try {
      await action();
      return true;
    } catch (error) {
      if (!wanted()) this.showProblem(error.message);
      return false;
    }
  }
}
