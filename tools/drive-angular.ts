/** Drives the application of examples/angular in Chromium: what a user sees, and what its server saw. Keeps pictures in docs/images. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'

const url = process.argv[2] ?? ''
const images = join(import.meta.dirname, '..', 'docs', 'images')

interface Seen {
  readonly rows: number
  readonly left: number
}

async function seen(): Promise<Seen> {
  return (await (await fetch(`${url}api/seen`)).json()) as Seen
}

const steps: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async 'a typeahead leaves the requests that it overtakes'(page) {
    const before = await seen()
    await page.locator('#search').pressSequentially('gra', { delay: 90 })
    await page.locator('#users li', { hasText: 'Grace' }).waitFor()
    await page.waitForFunction(() => document.querySelectorAll('#users li').length === 1)
    const left = (await seen()).left - before.left
    assert.ok(left >= 1, `the server saw ${left} requests being left`)
  },

  async 'events draw a chart'(page) {
    await page.waitForFunction(
      () => document.querySelector('polyline')?.getAttribute('points')?.split(' ').length === 20,
    )
  },

  async 'rows come as they are shown, and the server waits'(page) {
    await page.locator('#read').click()
    await page.waitForFunction(() => Number(document.querySelector('#shown')?.textContent) >= 60)
    const first = (await seen()).rows
    await page.waitForTimeout(1_000)
    const { rows } = await seen()
    const shown = Number(await page.locator('#shown').textContent())
    console.log(`  ${shown} rows shown, ${rows} of 1000000 sent`)
    assert.ok(rows < 1_000_000, 'the server has sent everything')
    assert.ok(rows - first < 20_000, 'the server goes on as if nobody waited')
  },

  async 'an upload shows how far it is'(page) {
    const buffer = Buffer.alloc(3_000_000, 'x')
    await page.locator('#file').setInputFiles({ name: 'x.bin', mimeType: 'application/octet-stream', buffer })
    await page.locator('#uploaded', { hasText: '3000000 bytes arrived' }).waitFor()
    assert.equal(await page.locator('#progress').evaluate((bar: HTMLProgressElement) => bar.value), 1)
  },

  async 'a banner says when it will be asked again'(page) {
    await page.locator('#flaky').click()
    await page.locator('#banner', { hasText: 'retrying in' }).waitFor()
    await page.screenshot({ path: join(images, 'angular-retry.png') })
    await page.locator('#flaky-answer', { hasText: 'answered with 200' }).waitFor({ timeout: 15_000 })
  },

  async 'a login stays one, whatever becomes of its tokens'(page) {
    await page.locator('#login').click()
    await page.locator('#greeting', { hasText: 'Hello Ada' }).waitFor()
    await page.waitForFunction(() => Number(document.querySelector('#refreshed')?.textContent) >= 2, undefined, {
      timeout: 15_000,
    })
    assert.equal(await page.locator('#greeting').textContent(), 'Hello Ada')
    await page.screenshot({ path: join(images, 'angular.png'), fullPage: true })
  },
}

mkdirSync(images, { recursive: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const page = await browser.newPage({ viewport: { width: 1_100, height: 800 } })
const complaints: string[] = []
page.on('pageerror', error => complaints.push(String(error)))
page.setDefaultTimeout(10_000)
await page.goto(url)
let failed = 0
for (const [title, step] of Object.entries(steps)) {
  try {
    await step(page)
    console.log(`ok ${title}`)
  } catch (error) {
    failed++
    console.error(`failed: ${title}\n${String(error)}`)
  }
}
await browser.close()
for (const complaint of complaints) console.error(`the page complained: ${complaint}`)
process.exitCode = failed + complaints.length > 0 ? 1 : 0
console.log(`${Object.keys(steps).length - failed} passed, ${failed} failed`)
