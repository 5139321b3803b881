import type { Call } from './call.ts';

/** What the callers saw, by the names of the cases; as JSON has it, so that it can cross to a page. */
export async function observeAll(
  cases: Record<string, Call>,
  fetcher: typeof fetch,
  origin: string,
): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(cases)) {
    const limit = new Promise((resolve) => setTimeout(resolve, 5000, 'it took too long'));
    seen[name] = await Promise.race([call(fetcher, origin), limit]);
  }
  return JSON.parse(JSON.stringify(seen));
}
