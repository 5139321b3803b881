import type { SealedFetch } from '../index.ts';
import { SealwireInspector } from './element.ts';

export { SealwireInspector } from './element.ts';

/** Defines `<sealwire-inspector>`, for pages that write it in their markup and call `inspect()` on it. */
export function defineInspector(): void {
  if (customElements.get('sealwire-inspector') === undefined) {
    customElements.define('sealwire-inspector', SealwireInspector);
  }
}

/**
 * Shows what a sealed fetch does from now on, in a panel at the end of the page or elsewhere.
 *
 * @example
 * if (import.meta.env.DEV) await showInspector(sealedFetch);
 *
 * @throws SealwireError `inspection-refused` in production
 */
export async function showInspector(
  sealedFetch: SealedFetch,
  parent: ParentNode = document.body,
): Promise<SealwireInspector> {
  defineInspector();
  const panel = new SealwireInspector();
  await panel.inspect(sealedFetch);
  parent.append(panel);
  return panel;
}
