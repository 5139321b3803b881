import { isSealwireError } from '@sealwire/core';
import { printable } from './printable.ts';

/** What ends a command: a line on stderr and an exit code. */
export class Failure extends Error {
  readonly exitCode: number;
  /** A stable word before the text. */
  readonly code: string;

  constructor(exitCode: number, code: string, text: string) {
    super(text);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** The command line was not understood. */
export function usage(text: string): Failure {
  return new Failure(2, 'usage', text);
}

/** A file that could not be read or written. */
export function fileFailure(exitCode: number, error: unknown): Failure {
  return new Failure(exitCode, 'file', `${(error as Error).message}.`);
}

/** Writes what went wrong to stderr. @returns the exit code */
export function report(error: unknown): number {
  if (error instanceof Failure) return write(error.code, error.message, error.exitCode);
  // Options are made of flags.
  if (isSealwireError(error))
    return write(error.code, error.message, error.code === 'invalid-option' ? 2 : 1);
  throw error;
}

function write(code: string, text: string, exitCode: number): number {
  process.stderr.write(`sealwire: ${code}: ${printable(text)}\n`);
  return exitCode;
}
