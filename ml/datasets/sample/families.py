"""FAMILIES: every kind of picture in the sample gallery."""

from ml.datasets.sample import built, crafts, forms, patterns, plants, skies, terrain, water, weather
from ml.datasets.sample.family import Family

FAMILIES = (
    Family("sea at dusk", skies.draw_sea, ("landscape", "wide", "panorama", "portrait", "square")),
    Family("northern lights", skies.draw_aurora, ("landscape", "portrait", "wide", "tall")),
    Family("ridges in fog", terrain.draw_ridges, ("landscape", "portrait", "panorama", "tall")),
    Family("dunes", terrain.draw_dunes, ("landscape", "portrait", "wide", "panorama")),
    Family("tiles", patterns.draw_tiles, ("square", "portrait", "landscape")),
    Family("paper cut-out", patterns.draw_paper, ("portrait", "square", "landscape")),
    Family("leaves", plants.draw_leaves, ("portrait", "square", "landscape")),
    Family("flower meadow", plants.draw_meadow, ("landscape", "portrait", "wide")),
    Family("portrait of shapes", forms.draw_portrait, ("portrait", "portrait", "square")),
    Family("planet", forms.draw_planet, ("square", "landscape", "portrait", "wide")),
    Family("shell", forms.draw_shell, ("square", "portrait", "landscape")),
    Family("night city", built.draw_city, ("landscape", "wide", "portrait", "panorama")),
    Family("lighthouse", built.draw_lighthouse, ("portrait", "landscape", "tall")),
    Family("circuit board", built.draw_circuit, ("landscape", "square", "portrait")),
    Family("coral reef", water.draw_reef, ("landscape", "wide", "portrait")),
    Family("koi pond", water.draw_koi, ("square", "portrait", "landscape")),
    Family("forest in snow", weather.draw_forest, ("landscape", "portrait", "wide", "panorama")),
    Family("balloons", weather.draw_balloons, ("portrait", "landscape", "tall")),
    Family("stained glass", crafts.draw_glass, ("portrait", "square", "tall")),
    Family("woven textile", crafts.draw_textile, ("square", "landscape", "portrait")),
)
