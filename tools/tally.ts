/**
 * Prints what a test run came to as one line, `N passed, N failed`, and exits with 1 unless everything passed.
 * Takes the report of vitest's JSON reporter and the exit status of that run. A file that could not be run counts as one
 * failure; so does a run that broke off, or that failed by an error outside of any test, which the report does not show.
 * A skipped test is named, and is a failure of the tally though not of the run.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface Report {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  testResults: { name: string; status: string; assertionResults: { fullName: string; status: string }[] }[]
}

function read(file: string | undefined): Report | undefined {
  try {
    return JSON.parse(readFileSync(file ?? '', 'utf8')) as Report
  } catch {
    return undefined
  }
}

const report = read(process.argv[2])
const results = report?.testResults ?? []
const broken = results.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(test => test.status === 'failed'),
)
const failed = (report?.numFailedTests ?? 0) + broken.length
const passed = report?.numPassedTests ?? 0
const skipped = results.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => `${relative('.', name)}: ${fullName}`),
)

for (const test of skipped) console.log(`skipped: ${test}`)
const whole = report?.success === true && passed > 0 && process.argv[3] === '0'
const failures = failed === 0 && !whole ? 1 : failed
console.log(`${passed} passed, ${failures} failed`)
if (failures > 0 || skipped.length > 0) process.exitCode = 1
