/** Makes what a server sent safe to print on one line of a log. */

// C0 and C1 controls, DEL, line separators, and the marks that turn the direction of text.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Writes control characters as escapes and cuts what is longer than `most` characters. */
export function printable(text: string, most = 2048): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text
  return cut.replace(UNPRINTABLE, escape)
}

function escape(character: string): string {
  const code = character.charCodeAt(0).toString(16)
  return NAMED[character] ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`)
}
