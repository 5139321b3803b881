import type { LogHead } from './line.ts';

/**
 * `unreadable`: no line of a log. `edited`: not the line that was written. `gap`: lines are missing, or stand further
 * down. `order`: a line from further up. `signature`: a checkpoint that does not fit what is before it, or by nobody known.
 * `cut`: the log ends before what is expected. `open-end`: it has no closing checkpoint, so its end may be cut off.
 */
export type FaultKind = 'unreadable' | 'edited' | 'gap' | 'order' | 'signature' | 'cut' | 'open-end';

/** Something that is not as it was written. */
export interface AuditLogFault {
  readonly kind: FaultKind;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

export interface AuditLogReport extends LogHead {
  /** True if nothing was found. */
  readonly sound: boolean;
  readonly faults: readonly AuditLogFault[];
  readonly files: readonly string[];
  readonly events: number;
  /** Lines before this `seq` are vouched for: by the key, by a signed checkpoint, or by what was expected. */
  readonly vouched: number;
  /** Lines that a crash broke off, on record as such. */
  readonly torn: number;
  /** True if the last line is a closing checkpoint. */
  readonly closed: boolean;
  /** Time of the last line that has one. */
  readonly until: number | undefined;
}
