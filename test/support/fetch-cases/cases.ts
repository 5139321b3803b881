import { bodyCases } from './body-cases.ts';
import type { Call } from './call.ts';
import { optionCases } from './option-cases.ts';
import { redirectCases } from './redirect-cases.ts';
import { responseCases } from './response-cases.ts';
import { signalCases } from './signal-cases.ts';

/** What apps ask of fetch, each by its name. */
export const cases: Record<string, Call> = {
  ...bodyCases(),
  ...optionCases(),
  ...responseCases(),
  ...redirectCases(),
  ...signalCases(),
};
