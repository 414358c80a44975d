"""Files behind `domainbert plugins new`, and what writes them.

`files/` is the plugin: names that end in `.j2` are templates, `package` becomes the name of the
package and a leading `dot_` a dot. `licences/` holds the texts to choose from.
"""
