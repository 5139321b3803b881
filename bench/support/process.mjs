// What a process takes of the machine: memory from a start to its peak, and computing time.
import { readFileSync, writeFileSync } from 'node:fs';

const interval = 50;

/**
 * Begins to watch this process. Garbage of what ran before is collected first, because it would hide growth; none is
 * collected by force afterwards, so that the peak is what an operator would see.
 * @returns what ends the watching and tells `start` and `peak` of the resident memory in bytes, and `cpu` in microseconds
 */
export function watchProcess() {
  globalThis.gc();
  const start = process.memoryUsage.rss();
  const exact = forgetPeak();
  const before = process.cpuUsage();
  let peak = start;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, interval);
  return () => {
    clearInterval(timer);
    look();
    const { user, system } = process.cpuUsage(before);
    return { start, peak: exact ? Math.max(peak, systemPeak()) : peak, cpu: user + system };
  };
}

/** Lets Linux begin anew with the peak that it keeps of this process: nothing between two looks escapes it. */
function forgetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return true;
  } catch {
    return false;
  }
}

function systemPeak() {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return Number(kibibytes) * 1024;
}
