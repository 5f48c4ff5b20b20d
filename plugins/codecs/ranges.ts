/** What may be asked for and sent, by the grammar of RFC 9110: what a client says itself has to be right. */
import type { Check } from '../../src/index.ts'

const NAME = "[!#$%&'+.^_`|~0-9A-Za-z-]+"
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const QUOTED = '"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*"'
const PARAMETERS = `(?:[\\t ]*;[\\t ]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*`

const TYPE = new RegExp(`^${NAME}/${NAME}${PARAMETERS}$`)
const RANGE = new RegExp(`^(?:\\*/\\*|${NAME}/(?:\\*|${NAME}))(${PARAMETERS})$`)
const BARE = new RegExp(`^(?:\\*/\\*|${NAME}/(?:\\*|${NAME}))$`)
const PARAMETER = new RegExp(`;[\\t ]*(${TOKEN})=(${TOKEN}|${QUOTED})`, 'g')
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/** Wants one of those `Accept` lists (RFC 9110 §12.5.1). */
export const mediaRange: Check = value => {
  const [, parameters] = (typeof value === 'string' && RANGE.exec(value)) || []
  const sound = parameters !== undefined && [...parameters.matchAll(PARAMETER)].every(isSound)
  return sound
    ? undefined
    : "a media type such as 'text/csv' or 'text/*', possibly with a weight (;q=0.5); several are a list"
}

function isSound([, name = '', value = '']: readonly string[]): boolean {
  return name.toLowerCase() !== 'q' || WEIGHT.test(value)
}

/** Wants a `Content-Type` (RFC 9110 §8.3). */
export const mediaType: Check = value =>
  typeof value === 'string' && TYPE.test(value)
    ? undefined
    : "a media type such as 'application/json', possibly with parameters"

/** Wants a media type or all of a kind, without parameters. */
export const bareRange: Check = value =>
  typeof value === 'string' && BARE.test(value) ? undefined : "a media type such as 'application/cbor' or 'text/*'"
