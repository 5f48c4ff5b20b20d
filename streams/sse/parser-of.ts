/** The parser that some options ask for. */
import type { Origin } from '../reading/fault.ts'
import type { Parser } from '../reading/parser.ts'
import type { Place, ServerSentEvent } from './event.ts'
import type { SseOptions } from './options.ts'
import { EventParser } from './parser.ts'
import { TypedEvents } from './typed.ts'

const MIB = 1024 * 1024

/** Makes a parser for one body; `place` is kept up to date by it. */
export function parserOf(
  origin: Origin,
  { maxEvent = MIB, events }: Pick<SseOptions, 'events' | 'maxEvent'>,
  place?: Place,
): Parser<ServerSentEvent> {
  const parser = new EventParser(origin, maxEvent, place)
  // What the data of an event is, is known to the compiler only where its options are written down.
  return (events === undefined ? parser : new TypedEvents(origin, parser, events)) as Parser<ServerSentEvent>
}
