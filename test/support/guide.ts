import { readFileSync } from 'node:fs';

/** What a guide has its reader do, in order. */
export type GuideStep =
  | { readonly step: 'file'; readonly name: string; readonly text: string }
  | { readonly step: 'shell'; readonly text: string }
  /** `<!-- later: 25h -->`: so much time has passed. */
  | { readonly step: 'later'; readonly hours: number };

export interface GuideSection {
  readonly title: string;
  /** `<!-- needs: softhsm2 -->`: where it is missing, the section is not run. */
  readonly needs: string | undefined;
  readonly steps: readonly GuideStep[];
}

const parts = /^```(\w+)\n(.*?)^```$|^<!-- (needs|later): (\S+) -->$/gms;
/** Blocks that are for systems that a test does not have. */
const notRun = ['text', 'ini'];

/** The sections of a guide. @throws Error for a block that would be neither run nor left out on purpose */
export function readGuide(path: string): GuideSection[] {
  const [, ...sections] = readFileSync(path, 'utf8').split(/^## /m);
  return sections.map((section) => {
    const title = section.slice(0, section.indexOf('\n'));
    let needs: string | undefined;
    const steps: GuideStep[] = [];
    for (const [, language, text = '', remark, value = ''] of section.matchAll(parts)) {
      if (remark === 'needs') needs = value;
      else if (remark === 'later') steps.push({ step: 'later', hours: hoursOf(value) });
      else if (language === 'sh') steps.push({ step: 'shell', text });
      else if (language === 'js') steps.push({ step: 'file', name: nameOf(text), text });
      else if (!notRun.includes(language as string)) throw new Error(`${title}: a block of ${language}`);
    }
    return { title, needs, steps };
  });
}

function hoursOf(value: string): number {
  const [, hours] = value.match(/^(\d+)h$/) ?? [];
  if (hours === undefined) throw new Error(`"${value}" are no hours`);
  return Number(hours);
}

function nameOf(text: string): string {
  const [, name] = text.match(/^\/\/ (\S+\.mjs)$/m) ?? [];
  if (name === undefined) throw new Error(`a block does not begin with its name: ${text.slice(0, 60)}`);
  return name;
}
