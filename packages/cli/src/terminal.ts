import { Failure } from './failure.ts';

// Questions to whoever sits at the terminal, on stderr: stdout is for what was asked for.

/** True if there is somebody to ask. */
export function isAttended(): boolean {
  return process.stdin.isTTY === true;
}

/** Says what takes its time, to somebody who watches. */
export async function waitingFor<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (process.stderr.isTTY !== true) return work();
  process.stderr.write(`${what} …`);
  try {
    return await work();
  } finally {
    // What comes next begins the line anew.
    process.stderr.write('\r\x1b[K');
  }
}

/** @returns what is typed, without showing it. @throws Failure if the question is left by Ctrl-C or Ctrl-D */
export async function askHidden(question: string): Promise<string> {
  process.stdin.setRawMode(true);
  try {
    return await ask(question);
  } finally {
    process.stdin.setRawMode(false);
    process.stderr.write('\n');
  }
}

/** @returns what is typed. @throws Failure if the question is left by Ctrl-D */
export async function ask(question: string): Promise<string> {
  const { stdin } = process;
  process.stderr.write(question);
  stdin.setEncoding('utf8').resume();
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = '';
      stdin.on('data', (text) => {
        for (const character of String(text)) {
          if (character === '\r' || character === '\n') return resolve(typed);
          if (character === '\x03' || character === '\x04') return reject(left());
          // The keys that take back a character.
          if (character === '\x7f' || character === '\b') typed = typed.slice(0, -1);
          else typed += character;
        }
      });
      stdin.once('end', () => reject(left()));
    });
  } finally {
    stdin.removeAllListeners('data').removeAllListeners('end').pause();
  }
}

function left(): Failure {
  return new Failure(1, 'interrupted', 'Nothing was done.');
}
