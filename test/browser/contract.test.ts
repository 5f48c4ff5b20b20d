import { engineContract } from 'sluice/testing'
import { afterAll, describe, it } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { launch } from './support/chromium.ts'
import { workshop } from './support/workshop.ts'

// What a server sees is the matter here, not what a page may ask of it: rules.test.ts has a browser with all its rules.
const { good } = certificates()
const chromium = await launch('--disable-web-security', '--ignore-certificate-errors')
const shop = await workshop(chromium)

afterAll(async () => {
  await chromium.close()
  await shop.close()
})

describe.each(['fetch', 'xhr'] as const)('%s in Chromium over HTTP/1.1', kind => {
  for (const one of engineContract(kind, shop.factory(kind), { protocol: 'http/1.1' }))
    if (one.excluded === undefined) it(one.title, () => one.run())
})

describe.each(['fetch', 'xhr'] as const)('%s in Chromium over HTTP/2', kind => {
  for (const one of engineContract(kind, shop.factory(kind), { protocol: 'h2', tls: good }))
    if (one.excluded === undefined) it(one.title, () => one.run())
})
