import { afterwards } from './resources.ts';

/** Moves the monotonic clock of this process for the rest of the test; timers that look at it go round as before. */
export function moveClock(by: number): void {
  const { now } = performance;
  afterwards(() => {
    performance.now = now;
  });
  performance.now = () => now.call(performance) + by;
}
