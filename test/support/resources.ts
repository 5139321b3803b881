/** What a test opened and has to close, the latest first. */
const releases: (() => unknown)[] = [];

/** Closes something after the test that is running, whether it passes or not. */
export function afterwards(release: () => unknown): void {
  releases.push(release);
}

export async function releaseAll(): Promise<void> {
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) await release();
}
