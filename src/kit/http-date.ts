/** Kit for plugin authors: dates in header fields (RFC 9110 §5.6.7). */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`

const FORMS: readonly RegExp[] = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(String.raw`^${DAY}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(String.raw`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT$`),
  // Sun Nov  6 08:49:37 1994
  new RegExp(String.raw`^${DAY} ${MONTH} (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
]

/**
 * Reads an HTTP date in any of its three forms as milliseconds since the epoch; `undefined` for anything else,
 * also for what `Date.parse` would guess at. `now` tells in which century a year of two digits lies.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups
    if (parts !== undefined) return toTime(parts, now)
  }
  return undefined
}

function toTime(parts: Readonly<Record<string, string>>, now: number): number | undefined {
  const number = (name: string): number => Number(parts[name])
  const month = MONTHS.indexOf(parts['month'] ?? '')
  const year = parts['year']?.length === 2 ? nearestYear(number('year'), now) : number('year')
  // A leap second (60) counts as the last second of its minute.
  const second = Math.min(number('second'), 59)
  if (number('hour') > 23 || number('minute') > 59 || number('second') > 60) return undefined
  const time = Date.UTC(year, month, number('day'), number('hour'), number('minute'), second)
  // The 31st of February is no day.
  return new Date(time).getUTCDate() === number('day') ? time : undefined
}

/** RFC 9110 §5.6.7: a year of two digits that seems more than 50 years ahead is the past one with the same digits. */
function nearestYear(digits: number, now: number): number {
  const current = new Date(now).getUTCFullYear()
  const year = Math.floor(current / 100) * 100 + digits
  return year > current + 50 ? year - 100 : year
}
