/** Words on a terminal: colours when somebody watches, clean text otherwise. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined

function styled(style: Style, text: string): string {
  return colours ? styleText(style, text) : text
}

/** Begins a part of the tour. */
export function chapter(number: number, title: string): void {
  console.log(`\n${styled(['bold', 'cyan'], `${number}. ${title}`)}`)
}

/** What the guide says. */
export function say(text: string): void {
  console.log(`   ${styled('dim', text)}`)
}

/** What the client sees. */
export function client(text: string): void {
  console.log(`   ${styled('green', 'client')}  ${text}`)
}

/** What the server sees. */
export function server(text: string): void {
  console.log(`   ${styled('magenta', 'server')}  ${text}`)
}

/** Something that went wrong on purpose. */
export function trouble(text: string): void {
  console.log(`   ${styled('yellow', 'client')}  ${text}`)
}

/** Bytes as a person reads them. */
export function size(bytes: number): string {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
