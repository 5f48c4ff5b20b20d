import { expect, it } from 'vitest'
import { Spaces } from '../../../plugins/auth/spaces.ts'

it('finds what begins like a url the longest, and fits', () => {
  const spaces = new Spaces<string>()
  spaces.learn('1', ['https://a.test/'], 'all')
  spaces.learn('2', ['https://a.test/in/', 'https://a.test/also'], 'some')
  expect(spaces.find('https://a.test/x')).toBe('all')
  expect(spaces.find('https://a.test/in/x')).toBe('some')
  expect(spaces.find('https://a.test/also?x')).toBe('some')
  expect(spaces.find('https://a.test/in/x', value => value !== 'some')).toBe('all')
  expect(spaces.find('https://a.test.evil/')).toBeUndefined()
})

it('forgets what it learned first when there is too much', () => {
  const spaces = new Spaces<number>()
  for (let at = 0; at < 150; at++) spaces.learn(String(at), [`https://a.test/${at}/`], at)
  spaces.learn('149', ['https://a.test/else/'], -1)
  expect([spaces.get('49'), spaces.get('50'), spaces.get('149')]).toEqual([undefined, 50, -1])
  expect(spaces.find('https://a.test/149/')).toBeUndefined()
})
