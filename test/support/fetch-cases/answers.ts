// What a server may answer, by a name that is part of the path. The page of the browser reads only the names.
import type { Response } from 'express';

const words = 'packed words, packed words, packed words';
/** `words` after gzip. */
const packed = 'H4sIAAAAAAACAytITM5OTVEozy9KKdZRKMDJAwDRhOsnKAAAAA==';

/** Ends with a status and a text. */
const saying = (status: number) => (res: Response) => res.status(status).send(`status ${status}`);

export const answers: Record<string, (res: Response) => unknown> = {
  ...Object.fromEntries(
    [
      200, 201, 202, 203, 206, 226, 300, 304, 400, 401, 403, 404, 405, 409, 410, 416, 418, 429, 451, 500, 502,
      503,
    ].map((status) => [`${status}`, saying(status)]),
  ),
  '204': (res) => res.status(204).end(),
  '205': (res) => res.status(205).end(),
  '299': saying(299),
  '599': saying(599),
  json: (res) => res.json({ a: [1, 'ü', null] }),
  'JSON with a byte order mark': (res) => res.type('json').send('\ufeff{"a":1}'),
  'broken JSON': (res) => res.type('json').send('{"a":'),
  html: (res) => res.type('html').send('<p>ü'),
  empty: (res) => res.end(),
  'empty JSON': (res) => res.type('json').end(),
  'bytes without a type': (res) => res.end(Buffer.from([0, 255, 128, 10, 13])),
  'text that is no UTF-8': (res) => res.type('text').end(Buffer.from([65, 255, 66])),
  form: (res) => res.type('application/x-www-form-urlencoded').send('a=b&a=%C3%BC'),
  'multipart form': (res) =>
    res
      .type('multipart/form-data; boundary=x')
      .send('--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'),
  gzip: (res) => res.set('content-encoding', 'gzip').send(Buffer.from(packed, 'base64')),
  'broken gzip': (res) => res.set('content-encoding', 'gzip').send('not at all'),
  'gzip of nothing': (res) => res.set('content-encoding', 'gzip').end(),
  identity: (res) => res.set('content-encoding', 'identity').send(words),
  large: (res) => res.type('bin').send(Buffer.alloc(1_000_000, 'large')),
  chunks: async (res) => {
    for (const chunk of ['one, ', 'two, ', 'three']) {
      res.write(chunk);
      await new Promise(setImmediate);
    }
    res.end();
  },
  'a body that never ends': (res) => res.write('the beginning'),
  nothing: () => {},
  hangup: (res) => res.destroy(),
  'a phrase of its own': (res) => {
    res.statusMessage = 'Splendid';
    res.end();
  },
  'an empty phrase': (res) => {
    res.statusMessage = '';
    res.end();
  },
  'fields of all kinds': (res) =>
    res
      .set({
        'X-App-Upper': 'Value',
        'x-app-list': ['a', 'b'],
        'x-app-empty': '',
        'x-app-latin': 'é',
        'content-disposition': 'attachment; filename="a.txt"',
        'content-language': 'de',
        'content-location': '/elsewhere',
        link: '</next>; rel=next',
        'retry-after': '7',
        'www-authenticate': 'Bearer',
        'content-range': 'bytes 0-1/2',
        'accept-ranges': 'bytes',
        allow: 'GET',
        'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
        'content-security-policy': "default-src 'none'",
        'x-content-type-options': 'nosniff',
        'server-timing': 'db;dur=1',
        warning: '199 - "odd"',
        age: '3',
        expires: '0',
        'cache-control': 'private, max-age=0',
        location: '/not-followed',
        vary: 'accept',
      })
      .send(Buffer.from('ok')),
  cookies: (res) => res.cookie('a', '1').cookie('b', '2', { httpOnly: true }).send('ok'),
};
