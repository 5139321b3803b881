// Sends finished requests over keep-alive connections and times the answers. Nothing here knows what is in them:
// plain and sealed requests take the same path, which costs a fraction of what the server spends on one.
import { connect } from 'node:net';

const headEnd = Buffer.from('\r\n\r\n');
const lengthForm = /\r\ncontent-length: ([0-9]+)\r\n/i;

/** One connection: a request at a time, each answered before the next. */
class Connection {
  #socket;
  #answered;
  #failed;
  #body = [];
  #missing = -1;

  constructor(port) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#failed?.(error));
    this.#socket.on('close', () => this.#failed?.(new Error('the server closed a connection')));
  }

  opened() {
    return new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve).once('error', reject);
    });
  }

  /** Calls `answered` with the body's pieces once all of it is there. */
  send(request, answered, failed) {
    this.#answered = answered;
    this.#failed = failed;
    this.#socket.write(request);
  }

  close() {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #take(chunk) {
    let body = chunk;
    if (this.#missing < 0) {
      const end = chunk.indexOf(headEnd);
      const head = chunk.latin1Slice(0, end + 2);
      const length = lengthForm.exec(head);
      if (!head.startsWith('HTTP/1.1 200 ') || end < 0 || length === null) {
        this.#failed(new Error(`unexpected answer: ${chunk.latin1Slice(0, 300)}`));
        return;
      }
      this.#missing = Number(length[1]);
      body = chunk.subarray(end + headEnd.length);
    }
    this.#missing -= body.length;
    this.#body.push(body);
    if (this.#missing > 0) return;
    const pieces = this.#body;
    this.#body = [];
    this.#missing = -1;
    this.#answered(pieces);
  }
}

/**
 * Sends all requests, the next one on whatever connection is free, so in order but for the few under way.
 * @returns the seconds it took, and the bodies of the answers whose index `keep` names
 */
export async function drive(port, requests, connectionCount, keep) {
  const connections = Array.from({ length: connectionCount }, () => new Connection(port));
  await Promise.all(connections.map((connection) => connection.opened()));
  const kept = new Map();
  let next = 0;
  let open = requests.length;
  // This process does not sleep while it waits: to wake it up would cost time of the server's.
  let waiting = true;
  const spin = () => waiting && setImmediate(spin);
  spin();
  const start = process.hrtime.bigint();
  await new Promise((resolve, reject) => {
    function sendNext(connection) {
      if (next === requests.length) return;
      const index = next++;
      connection.send(
        requests[index],
        (pieces) => {
          if (keep.has(index)) kept.set(index, Buffer.concat(pieces));
          if (--open === 0) resolve();
          else sendNext(connection);
        },
        reject,
      );
    }
    for (const connection of connections) sendNext(connection);
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  waiting = false;
  for (const connection of connections) connection.close();
  return { seconds, kept };
}
