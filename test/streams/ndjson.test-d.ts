import { of, type Observable } from 'rxjs'
import type { Reader, Schema } from 'sluice'
import { chunks } from 'sluice/streams/chunks'
import { lines } from 'sluice/streams/lines'
import { ndjson } from 'sluice/streams/ndjson'
import { describe, expectTypeOf, it } from 'vitest'

interface Row {
  readonly id: number
}
declare const schema: Schema<Row>
declare const insert: (row: Row) => Promise<Date>

describe('the type of a reader', () => {
  it('is that of its items without a projector', () => {
    expectTypeOf(lines()).toEqualTypeOf<Reader<string>>()
    expectTypeOf(lines({ maxLine: 7 })).toEqualTypeOf<Reader<string>>()
    expectTypeOf(chunks()).toEqualTypeOf<Reader<Uint8Array>>()
    expectTypeOf(ndjson()).toEqualTypeOf<Reader<unknown>>()
    expectTypeOf(ndjson<Row>()).toEqualTypeOf<Reader<Row>>()
    expectTypeOf(ndjson<Row>({ maxItem: 7 })).toEqualTypeOf<Reader<Row>>()
    expectTypeOf(ndjson(schema)).toEqualTypeOf<Reader<Row>>()
    expectTypeOf(ndjson({ schema })).toEqualTypeOf<Reader<Row>>()
  })

  it('is that of the results with one', () => {
    expectTypeOf(lines(line => of(line.length))).toEqualTypeOf<Reader<number>>()
    expectTypeOf(lines({ project: async line => line.length })).toEqualTypeOf<Reader<number>>()
    expectTypeOf(ndjson((row: Row) => insert(row))).toEqualTypeOf<Reader<Date>>()
    expectTypeOf(ndjson<Row>(row => insert(row))).toEqualTypeOf<Reader<unknown>>()
    expectTypeOf(ndjson<Row, Date>(row => insert(row))).toEqualTypeOf<Reader<Date>>()
    expectTypeOf(ndjson({ schema, project: row => insert(row) })).toEqualTypeOf<Reader<Date>>()
    expectTypeOf(ndjson({ schema, project: (): Observable<7> => of(7) })).toEqualTypeOf<Reader<7>>()
  })
})
