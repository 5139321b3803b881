// An upload that is under way: its name, how far it is, and a way to end it.
import { formatLength } from './bytes.js';
import { h } from './dom.js';

export class Upload {
  #ending = new AbortController();
  #bar = h('progress', { max: 1 });
  #share = h('small');
  /** Goes into the list of the note's files. */
  element;

  /** @param {File} file */
  constructor(file) {
    this.#bar.setAttribute('aria-label', `Uploading ${file.name}`);
    this.element = h(
      'li',
      { className: 'upload' },
      h('span', { className: 'upload-name', textContent: file.name }),
      this.#bar,
      this.#share,
      h('button', {
        type: 'button',
        className: 'quiet cancel',
        textContent: 'Cancel',
        'aria-label': `Cancel: ${file.name}`,
        onclick: () => this.#ending.abort(),
      }),
    );
    this.#share.textContent = formatLength(file.size);
  }

  get signal() {
    return this.#ending.signal;
  }

  get cancelled() {
    return this.#ending.signal.aborted;
  }

  /** As the fetch tells it; a `total` that is not known shows that something moves, and no more. */
  progress = ({ loaded, total }) => {
    if (total === undefined) return;
    this.#bar.value = loaded / total;
    this.#share.textContent = `${Math.floor((loaded / total) * 100)} %`;
  };
}
