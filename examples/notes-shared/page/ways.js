// The switch between the sealed app and the same one without a seal.

const headlines = {
  sealed: [
    'Only this page and the server’s route handler can read these notes.',
    'Everything in between carries ciphertext.',
  ],
  unsealed: [
    'Everyone between this page and the server reads along.',
    'The same app, called with the plain fetch.',
  ],
};

/** @param {(way: 'sealed' | 'unsealed') => void} chosen called now, and whenever the choice changes */
export function chooseWay(chosen) {
  const choices = document.querySelector('#ways');
  const choose = (way) => {
    document.documentElement.dataset.way = way;
    const [first, second] = document.querySelector('#headline').children;
    [first.textContent, second.textContent] = headlines[way];
    chosen(way);
  };
  choices.addEventListener('change', ({ target }) => choose(target.value));
  choose(choices.querySelector(':checked').value);
}
