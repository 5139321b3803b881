import { type AuditLogReport, type VerifyOptions, verifyAuditLog } from '@sealwire/audit';
import type { Command } from '../command.ts';
import { fileFailure, usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { bytesOf, readLogKey } from './key-file.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  takes: 'FILE…',
  summary: 'Finds what was changed in an audit log after it was written',
  flags: {
    'key-file': { value: 'FILE', text: "the log's key, 32 bytes as base64url or hex: checks every line" },
    'checkpoint-key': {
      value: 'KEY',
      text: 'public key of the checkpoints, base64url; can be given several times',
    },
    expect: {
      value: 'LINES:HASH',
      text: 'how far the log goes at least, as onCheckpoint or an earlier run said it',
    },
    from: { value: 'SEQ', text: 'seq of the first line, if earlier files were put away; default: 0' },
    json: { text: 'the whole report as JSON' },
  },
  notes: `Name all files of the log, in any order. At least one of --key-file and --checkpoint-key is needed: with the key
every line is checked, with a checkpoint key those before the last checkpoint.

  sealwire audit verify --key-file audit.key audit.jsonl*
  sealwire audit verify --checkpoint-key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo audit.jsonl
  sealwire audit verify --key-file audit.key --expect 1024:m1ybQ…k audit.jsonl

A log without a closing checkpoint, as one that is being written, may have lost its end: only --expect can tell. So it is
with one that was cut where it had been closed before: a server's ends so at each restart, an operator's at each command.

Exit codes: 0 sound, 1 something was found, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const report = await verify(flags.positionals, optionsOf(flags));
  const text = flags.has('json') ? JSON.stringify(report, undefined, 2) : describe(report);
  process.stdout.write(`${text}\n`);
  return report.sound ? 0 : 1;
}

async function verify(files: readonly string[], options: VerifyOptions): Promise<AuditLogReport> {
  if (files.length === 0) throw usage('Give the files of one log.');
  try {
    return await verifyAuditLog(files, options);
  } catch (error) {
    throw 'syscall' in (error as object) ? fileFailure(2, error) : error;
  }
}

function optionsOf(flags: Flags): VerifyOptions {
  const keyFile = flags.last('key-file');
  const checkpointKeys = flags.each('checkpoint-key').map(checkpointKey);
  const expect = flags.last('expect');
  const from = flags.last('from');
  if (keyFile === undefined && checkpointKeys.length === 0)
    throw usage('Give --key-file or --checkpoint-key: without either, anybody could have written the log.');
  return {
    checkpointKeys,
    ...(keyFile !== undefined && { key: readLogKey('--key-file', keyFile) }),
    ...(expect !== undefined && { expect: headOf(expect) }),
    ...(from !== undefined && { from: numberOf('--from', from) }),
  };
}

function checkpointKey(text: string): NonNullable<VerifyOptions['checkpointKeys']>[number] {
  const pub = bytesOf(text);
  if (pub?.length === 32) return { alg: 'Ed25519', pub };
  if (pub?.length === 65) return { alg: 'ES256', pub };
  throw usage('--checkpoint-key is a public key as base64url: 32 bytes of Ed25519, or 65 of P-256.');
}

function headOf(text: string): NonNullable<VerifyOptions['expect']> {
  const [, lines, hash] = text.match(/^(\d+):([\w-]{43})$/) ?? [];
  if (lines === undefined || hash === undefined)
    throw usage('--expect is LINES:HASH, as a run before said it.');
  return { lines: numberOf('--expect', lines), hash };
}

function numberOf(flag: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw usage(`${flag} takes a number.`);
  return Number(text);
}

function describe({ sound, faults, events, lines, hash, vouched, torn, closed }: AuditLogReport): string {
  return [
    ...faults.map(({ kind, file, line, text }) => `${file}:${line}: ${kind}: ${text}`),
    ...(torn > 0 ? [`A crash broke off ${counted(torn, 'line')}, on record as such.`] : []),
    ...(vouched < lines && !closed
      ? [`Nothing vouches for what is behind the first ${counted(vouched, 'line')}.`]
      : []),
    `${sound ? 'Sound' : 'NOT SOUND'}: ${counted(events, 'event')}, ${counted(lines, 'line')}. To expect next time: ${lines}:${hash}`,
  ].join('\n');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
