import { type ErrorEvent, EventSource } from 'eventsource';
import { type Given, setUps } from './set-ups.ts';

export const eventsBehaviours: Record<string, (given: Given) => Promise<unknown>> = {
  'eventsource: events with names and ids; it comes back after the last, until there is no more': (given) => {
    const source = setUps.eventsource(given);
    const seen: unknown[] = [];
    source.addEventListener('open', () => seen.push('open'));
    source.onmessage = ({ data, lastEventId }) => seen.push([JSON.parse(data), lastEventId]);
    source.addEventListener('note', ({ data, lastEventId }) => seen.push([data, lastEventId]));
    return new Promise((resolve) => {
      source.addEventListener('error', ({ code }: ErrorEvent) => {
        seen.push(`error ${code}`);
        if (source.readyState === source.CLOSED) resolve(seen);
      });
    });
  },
  'eventsource: a status that is an error': async ({ sealedFetch, origin }) => {
    const source = new EventSource(`${origin}/refused/events`, { fetch: sealedFetch });
    const { code } = await new Promise<ErrorEvent>((resolve) => source.addEventListener('error', resolve));
    return [code, source.readyState === source.CLOSED];
  },
};
