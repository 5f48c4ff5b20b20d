'use strict'
// Runs as the root's `prepare` script, so it is written for whatever Node happens to be on PATH.
// npm puts node_modules/.bin first on PATH, so a `node` there is the Node every npm script runs on.
// npm 10 does not always link the executables of a dependency of a local package; this makes sure.
const { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { dirname, join, relative, resolve } = require('node:path')

const root = resolve(__dirname, '..', '..')
const bin = join(root, 'node_modules', '.bin')
const packages = [
  `node-bin-${process.platform}-${process.arch}`,
  `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
]

function executable() {
  for (const home of [root, __dirname]) {
    for (const name of packages) {
      const folder = join(home, 'node_modules', name)
      if (!existsSync(join(folder, 'package.json'))) continue
      const { bin: entry } = require(join(folder, 'package.json'))
      return join(folder, typeof entry === 'string' ? entry : entry.node)
    }
  }
  return undefined
}

const target = executable()
if (target === undefined) {
  console.warn(`sluice: no pinned Node for ${process.platform} ${process.arch}; npm scripts run on ${process.version}`)
} else if (!existsSync(join(bin, process.platform === 'win32' ? 'node.cmd' : 'node'))) {
  mkdirSync(bin, { recursive: true })
  if (process.platform === 'win32') writeFileSync(join(bin, 'node.cmd'), `@"%~dp0\\${relative(bin, target)}" %*\r\n`)
  else {
    rmSync(join(bin, 'node'), { force: true })
    symlinkSync(relative(bin, target), join(bin, 'node'))
  }
}
