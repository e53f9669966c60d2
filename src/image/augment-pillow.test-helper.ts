// Made by Pillow 12.3.0: per operation the pixels of noise(7, 6) after it, and the CRC-32 of noise(64, 48) and waves(64, 48) after it.
export const PILLOW: Readonly<Record<string, readonly [pixels: string, noiseCrc: number, wavesCrc: number]>> = {
  autocontrast: [
    "7tvauqSjiG1sVTc2IQAA8t/ewKmojHFxWTs6JQUE9uPixK2skHd2XUA+KgkI+ujoyLGwlHt6YURELg4N/+3szLa1mYB+ZUlIMhIRAPHw0Lq6nYSDaU5NNhYWBPb11MC+oYiHblJROhsbCPr52cTDpY2NclZVPiAfDP7/3cjH",
    1958098749,
    959107529,
  ],
  equalize: [
    "797NvKybinloWEc2JRQE8+LRwbCfjn1tXEs6KRkI9+bVxbSjkoJxYE8+Lh0M++raybinloZ1ZFNDMiEQ/+/ezbyrm4p5aFhHNiUUBPPi0cCwn459bFxLOikZCPfm1cW0o5KBcWBPPi0dDPvq2sm4p5aGdWRTQjIhEP/v3s28",
    2956963470,
    2921839422,
  ],
  invert: [
    "ECEyQ1NkdYaXp7jJ2uv7DB0uPk9gcYKSo7TF1ub3CBkqOktcbX2On7DB0eLzBBUlNkdYaXmKm6y8zd7vABAhMkNUZHWGl6e4ydrr+wwdLj9PYHGCk6O0xdbm9wgZKjpLXG1+jp+wwdLi8wQVJTZHWGl5ipusvc3e7wAQITJD",
    2152756585,
    1677714800,
  ],
  "posterize 0": [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    3422052625,
    3422052625,
  ],
  "posterize 3": [
    "4MDAoKCAgGBgQEAgIAAA4ODAwKCAgGBgQEAgIAAA4ODAwKCggIBgYEAgIAAA4ODAwKCggIBgYEBAICAA4ODAwKCggIBgYEBAICAAAODgwMCggIBgYEBAICAAAODgwMCgoICAYGBAICAAAODgwMCgoICAYGBAQCAgAODgwMCg",
    1567590967,
    3380382045,
  ],
  "solarize 100": [
    "ECEyQ1NkdYaXWEc2JRQEDB0uPk9gcYKSXEs6KRkICBkqOktcbX2OYE8+Lh0MBBUlNkdYaXmKm1NDMiEQABAhMkNUZHWGl1hHNiUUBAwdLj9PYHGCk1xLOikZCAgZKjpLXG1+jmBPPi0dDAQVJTZHWGl5iptTQjIhEAAQITJD",
    2029116784,
    1786677667,
  ],
  "solarize_add 99": [
    "797NvKybitzLu6qZiHdn8+LRwbCfjuDQv66djHxr9+bVxbSjkoLUw7KhkYBv++raybinlobYx7amlYRz/+/ezbyrm4rcy7uqmYh3Z/Pi0cCwn47gz7+unYx8a/fm1cW0o5KB1MOyoZCAb/vq2sm4p5aG2Me2pZWEc//v3s28",
    214427851,
    1523784543,
  ],
  "color 0.37": [
    "5t/Zs62ngXp0T0hCHBUP6uPduLGrhX54U0xGIBoU7ufhvLWviYN9V1BKJR4Y8uvlwLmzjYeBW1ROKSIc9vDqxL23kouFX1lTLSYgbMW+yMG7lo+JY11XMSokcMnCzMbAmpONaGFbNS4odM3G0crEnpeRbGVfOTMteNHL1c7I",
    2166540937,
    805014445,
  ],
  "color 1.81": [
    "+tu8xqmKlXZXY0QlMBEA/t/AzK2OmXpdZ0gpMxYA/+PE0LGSnH9ga0wtORoA/+fK1LWWoINkb1AzPR4A/+zN2LmapodoclU2QSIDAP//3L2gqotsdlk6RSYJAP//38Kjro9wfF0+SSoNAP//5canspN2gGFCTC8QAP//6cqr",
    1232202881,
    122299168,
  ],
  "contrast 0.37": [
    "rqehm5WPiIJ8dm9pY11Xr6mjnZaQioN+d3FrZF5YsaqknpiRi4V/eXJsZmBasqymoJmTjYeAenRuaGFbtK6noZuUj4iCfHZvaWNdV6+po5yWkIqDfXdxa2ReWLGqpJ6YkYuFf3lybGZgWrKspqCZk42HgHp0bmhhW7Sup6Gb",
    1202216105,
    1146826920,
  ],
  "contrast 1.81": [
    "////5smqi2xOMRIAAAAA////79CxknRXOBkAAAAA////9te4mn1ePyACAAAA/////d7AoYRlRigLAAAA/////+bHqotsTjESAAAAAP///+3QsZJ0VTgZAAAAAP////bXuJp7Xj8gAgAAAP////3ewKGEZUYoCQAAAP/////m",
    3470482330,
    363988548,
  ],
  "brightness 0.37": [
    "WFJLRT85MywmIBoTDQcBWVNNR0E6NC4oIhsVDwkCW1VOSEI8NjApIx0WEQoEXFZQSkQ9NzErJR4YEgwFXlhSS0U/OTMsJiAaEw0HAVlTTUdBOjQuJyIbFQ8JAltVTkhCPDYvKSMdFhAKBFxWUEpEPTcxKyUeGBIMBV5YUktF",
    1480331221,
    584382187,
  ],
  "brightness 1.81": [
    "////////+du8n4BhQiQH/////////+LFpodoSi0O/////////+vMrY5wUzQV//////////LTtZZ5Wjsc//////////nbvJ+AYUIkB//////////iw6aHaEotDv/////////pzK2OcFE0Ff/////////y07WWd1o7HP//////",
    2980920565,
    291129855,
  ],
  "sharpness 0.1": [
    "797NvKybinloWEc2JRQE8+LRwbCfjn1tf25ecGBPr56OoZB/koJxYE8+Lh0Ms6OSpZSDhIZ1dndmZ2hX/+/ezbyriYp5entqWWxbSquam5yMn459bFxLXXBfT6+ejaGQf5KBcYNyPi0dDPvq2sm4p5aGdWRTQjIhEP/v3s28",
    1615424573,
    3305181871,
  ],
  "sharpness 1.9": [
    "797NvKybinloWEc2JRQE8+LRwbCfjn1tOCcWAAAA////6dfGkoJxYE8+Lh0M////7dvKp4Z1Ui8fAAAA/+/ezbyrrYp5VjQjEgAAAP///+PUn459bFxLFgAAAP///+nYxpKBcTwrPi0dDPvq2sm4p5aGdWRTQjIhEP/v3s28",
    3332386960,
    2720550606,
  ],
  "hue -0.3": [
    "5s3vs5y8gWiKTzZYGwQl6tLzuKDBhG2OUzpcIAgp7tX3vKPFiXGSVz5gJQwu8dv7wKfJjXWWWkNkKRAy9t7/xKvNknqbX0doLRQ21PMFx7DRln2fY0tsMBk62PcJzLTVmoGjaE9xNB0+3PsN0bnanYanbFN1OSFC4P8Q1bze",
    1672228866,
    1057696920,
  ],
  "hue 0.1": [
    "7O/Nubych4poVVg2IyUE8PPSvsGgjI5tWVw6JikI9PfVwsWjj5JxXWA+Ky4M+fvbxsmnk5Z1YmRDLzIQ/P/eys2rmJt6ZWhHMzYUBXrzz9GwnJ99aWxLODoZCX730tW0oKOBbnFPPD4dDYL719q5paeGcnVTP0IhEIb/2968",
    3213078847,
    1058923550,
  ],
  "shear_x bilinear": [
    "6NfGtaWUg3JhUUAvQC8f7NvKwbCfeWhYRzYlfGxb4tHAsJ+OfW1cYE8+uKeX2ci3ppaFdGNTQjEgvKybfHRonYx7alpJOCcWBufWxcKyoZB/fHRoL1VFNOzbyrqpmId2ZlVEPi0dfHRowbCfjn1tXEs6KZWEc+bW3s28fHRo",
    3074994971,
    1088580892,
  ],
  "shear_y bicubic": [
    "+OfWybmofHRofHRofHRofHRofHRopJODbFtKX049YVA/DwAA/+7dfHRoKRgHv62dVUU0+ejXr56Nzb2sopB/v66d3869yKWUi3tqi1hIQC8efW1chVtKQC8fL4RzOikYANnJhHNj//HgF+TTj35uLe/e18e2irmov418cmFQ",
    2201748029,
    3448364771,
  ],
  "translate_x bicubic": [
    "ZFNCFAMA1cSzzbyrfHRofHRofHRo2ci318a1n459Z1ZFfHRofHRofHRoo5KBcGBPIRAA3Mu6fHRofHRofHRoQhQDANXEs9LCq5WEfHRofHRofHRot9fGtZ+OfWxbRTQkfHRofHRofHRogXBgTyEQAOHRutnJfHRofHRofHRo",
    3240886820,
    390368354,
  ],
  "translate_y bilinear": [
    "fHRofHRofHRofHRofHRofHRofHRofHRofHRofHRofHRofHRofHRofHRo797NvKybinloWEc2JRQE8+LRwbCft6aWhXRjUkIxsqGQgG9eu6uaiXhnV0Y1tqWVhHNiv6+ejXxsW0o5uqqZiHdmxLOikYFwX049La6djHtryLem",
    3174571538,
    1115740348,
  ],
  "rotate 27 bilinear": [
    "fHRofHRoSzopYlFBq5qJfWxbfHRou6uadmVUrZyLxbSjbFtKk4NyzLyrj39uXEw7mol4hXhnPJ6Nyrmpe2paX04+9eTUn459RjUkVKmYhIRzX3ppeWhXsJ+OYHloS828rp6NVVhHEP3tfHRoeWlYZVZFgq2dgXBffHRofHRo",
    3966257240,
    3398323991,
  ],
  "rotate -13.7 bicubic": [
    "fHRopZSDb19Oc2JREQAAX04+fHRoEQAAlIJyRjYls6OS1sW0t6eWwK+eqJeG6NjI2LyrnY18nmxcQSoZe2tajlhHNkY1PWlYJzgnDdzLkHZm//blX6OSWJSDYP/34bGgirGgsW1dZFRDfHRo8KqaimtbYi0cLZB/UYd3fHRo",
    2984103450,
    3019461880,
  ],
  "crop resize bicubic": ["9OPTt6aVdmVVOSgXlINyVjcmDqKRqNTEJlJCWe3cxKSTeGdW08KxlYR0VDwrF9bG", 1811606520, 3860049901],
  flip: [
    "wbCf8+LRJRQEWEc2inlovKyb797NYE8+koJxxbSj9+bVKRkIXEs6jn1t/+/eMiEQZFNDloZ1ybin++raLh0Mn4590cCwBPPiNiUUaFhHm4p5zbyrPi0dcWBPo5KB1cW0CPfmOikZbFxL3s28EP/vQjIhdWRTp5aG2sm4DPvq",
    2369100610,
    2994394401,
  ],
};
