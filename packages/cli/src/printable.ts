/** A text that may be somebody else's, without what would move the cursor or command a terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '\ufffd');
}
