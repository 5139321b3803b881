import { EventEmitter, once } from 'node:events';
import type { Application } from 'express';
import multer from 'multer';
import type { Express } from '../cases.ts';

const words = ['Tea', ' is', ' sealed', ',', ' too', '.'];
const model = 'gpt-local';

/** As much of the OpenAI API as its SDK needs. A delta goes out only when the one before has been read. */
export function openaiRoutes(app: Application, express: Express): void {
  const events = new EventEmitter();
  const closed = once(events, 'closed');
  const attempts: { exchange: string; retry: string | undefined; body: unknown }[] = [];
  app.use('/v1', (req, res, next) => {
    if (req.get('authorization') === 'Bearer sk-test') return next();
    return res.status(401).json({ error: { message: 'Incorrect API key.', code: 'invalid_api_key' } });
  });
  app.post('/v1/chat/completions', express.json(), async (req, res) => {
    if (!req.body.stream) return res.json(completion(words.join('')));
    res.type('text/event-stream');
    res.on('close', () => events.emit('closed', res.writableFinished));
    for (const content of words) {
      const wasRead = once(events, 'read');
      res.write(`data: ${JSON.stringify(delta(content))}\n\n`);
      await wasRead;
    }
    return res.end('data: [DONE]\n\n');
  });
  app.post('/read', (_req, res) => {
    events.emit('read');
    res.end();
  });
  app.get('/closed', async (_req, res) => {
    const [finished] = await closed;
    res.json({ finished });
  });
  app.post('/v1/files', multer().single('file'), (req, res) => {
    const { originalname: filename, size: bytes, mimetype } = req.file as Express.Multer.File;
    const { purpose } = req.body;
    res.json({ id: 'file-1', object: 'file', filename, bytes, purpose, mimetype, created_at: 1 });
  });
  /** Works at the third attempt. */
  app.post('/v1/embeddings', express.json(), (req, res) => {
    const { sealed } = req;
    attempts.push({
      exchange: sealed ? `${sealed.sid} ${sealed.n}` : `plain ${attempts.length}`,
      retry: req.get('x-stainless-retry-count'),
      body: req.body,
    });
    if (attempts.length < 3) {
      return res
        .set('retry-after-ms', '1')
        .status(429)
        .json({ error: { message: 'slow down' } });
    }
    return res.json({
      object: 'list',
      model,
      data: [{ object: 'embedding', index: 0, embedding: [attempts.length] }],
      exchanges: new Set(attempts.map(({ exchange }) => exchange)).size,
      retries: attempts.map(({ retry }) => retry),
      inputs: attempts.map(({ body }) => (body as { input: string }).input),
    });
  });
}

function completion(content: string) {
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, finish_reason: 'stop', message }];
  return { id: 'chat-1', object: 'chat.completion', created: 1, model, choices };
}

function delta(content: string) {
  const choices = [{ index: 0, finish_reason: null, delta: { content } }];
  return { id: 'chat-1', object: 'chat.completion.chunk', created: 1, model, choices };
}
