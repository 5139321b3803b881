import { answers } from './answers.ts';
import { type Call, calling, named, urlOf } from './call.ts';
import { observe, readers } from './observe.ts';

/** Answered without an end, which only a signal ends. */
const endless = ['nothing', 'a body that never ends'];
/** These have bodies of different kinds. */
const readInEveryWay = ['json', 'empty', 'gzip', 'large', '204', 'form', 'multipart form'];

/** Of HEAD, what is said of the body: these say different things. */
const ofHead = ['200', '204', '304', '404', 'empty', 'gzip', 'large', 'fields of all kinds', 'cookies'];

/** Every answer to GET, some to HEAD, some read in every way, and one that breaks off. */
export function responseCases(): Record<string, Call> {
  const cases: Record<string, (name: string) => Call> = {};
  for (const answer of Object.keys(answers).filter((each) => !endless.includes(each))) {
    const path = `/answer/${encodeURIComponent(answer)}`;
    cases[`GET answered with ${answer}`] = calling(path, () => ({}));
    if (ofHead.includes(answer)) {
      cases[`HEAD answered with ${answer}`] = calling(path, () => ({ method: 'HEAD' }));
    }
  }
  for (const answer of readInEveryWay) {
    for (const reader of Object.keys(readers)) {
      const path = `/answer/${encodeURIComponent(answer)}`;
      cases[`${answer} read as ${reader}`] = calling(path, () => ({}), reader);
    }
  }
  cases['a body that is cut'] = (name) => (fetcher, origin) =>
    observe(async () => {
      const response = await fetcher(urlOf(origin, '/answer/a body that never ends', name));
      await fetcher(`${origin}/cut`);
      return response;
    });
  return named(cases);
}
