import type { Application } from 'express';

/** Server-sent events that go on after what the reader has; the connection ends after every two of them. */
export function eventsRoutes(app: Application): void {
  app.get('/events', (req, res) => {
    const last = Number(req.get('last-event-id') ?? 0);
    if (last >= 6) return res.status(204).end();
    res.type('text/event-stream').write('retry: 10\n\n');
    res.write(`id: ${last + 1}\ndata: {"accept":"${req.get('accept')}","n":${last + 1}}\n\n`);
    res.end(`id: ${last + 2}\nevent: note\ndata: line one\ndata: line ${last + 2}\n\n`);
  });
  app.get('/refused/events', (_req, res) => res.status(401).json({ error: 'who are you?' }));
}
